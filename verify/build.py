"""Write verify/index.html: one file with everything in it, out of the sources beside it.

.venv/bin/python verify/build.py           # write
.venv/bin/python verify/build.py --check   # exit 1 if it is old

The Content-Security-Policy allows this one script and this one style by their SHA-256 and nothing else: no network,
no frame, no form. The same sources give the same bytes, so anybody can build the page and compare.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "index.html"
VERIFIER = HERE.parent / "src" / "kakine" / "web" / "static" / "history" / "verify.js"
"""The portal's page of a whole history has the same verifier (spec/browser.md)."""
TEXTS = HERE.parent / "src" / "kakine" / "cli" / "verdict_texts.json"

_IMPORT = 'import { selfTest, verify } from "./verify.js";\n'
_PLACE = '"TEXTS of kakine/cli/verdict_texts.json stand here"'


def script() -> str:
    """Verifier and page as one module. Raises `ValueError` if a source is not as this expects it."""
    page = (HERE / "page.js").read_text("utf-8")
    texts = json.dumps(json.loads(TEXTS.read_text("utf-8")), ensure_ascii=False)
    for part in (_IMPORT, _PLACE):
        if page.count(part) != 1:
            raise ValueError(part)
    whole = VERIFIER.read_text("utf-8") + page.replace(_IMPORT, "").replace(_PLACE, texts)
    if "</" in whole:
        raise ValueError("a script must not hold what may end it")
    return "\n" + whole


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def built() -> str:
    """The page."""
    style, code = (HERE / "page.css").read_text("utf-8"), script()
    policy = (
        f"default-src 'none'; script-src {_allowed(code)}; style-src {_allowed(style)};"
        " base-uri 'none'; form-action 'none'"
    )
    page = (HERE / "template.html").read_text("utf-8")
    return page.replace("POLICY", policy).replace("STYLE", style).replace("SCRIPT", code)


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. The exit code."""
    page = built()
    if "--check" in arguments:
        return int(not PAGE.is_file() or PAGE.read_text("utf-8") != page)
    PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
