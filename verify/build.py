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
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "index.html"
SOURCE = HERE.parent / "src" / "kakine"
MODULES = ("verify.js", "scanned.js", "signed_page.js")
"""Those by which the portal's page of a history verifies too (spec/browser.md); each may import those before it."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_TEXTS = re.compile(r'"TEXTS of kakine/cli/(\w+\.json) stand here"')


def script() -> str:
    """Verifiers and page as one module. Raises `ValueError` if a source is not as this expects it."""
    whole, known = "", set[str]()
    for name in MODULES:
        whole += _without_imports((SOURCE / "web" / "static" / "history" / name).read_text("utf-8"), known)
        known.add(name)
    whole += _TEXTS.sub(_texts, _without_imports((HERE / "page.js").read_text("utf-8"), known))
    if "</" in whole or _twice(whole):
        raise ValueError("a script must not hold what may end it, nor a name twice")
    return "\n" + whole


def _without_imports(source: str, known: set[str]) -> str:
    if not known.issuperset(_IMPORT.findall(source)):
        raise ValueError(f"imports of {_IMPORT.findall(source)}")
    return _IMPORT.sub("", source)


def _texts(found: re.Match[str]) -> str:
    return json.dumps(json.loads((SOURCE / "cli" / found[1]).read_text("utf-8")), ensure_ascii=False)


def _twice(script: str) -> set[str]:
    names = re.findall(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", script, re.MULTILINE)
    return {name for name in names if names.count(name) > 1}


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
