"""Write docs/pictures/verify-held.png and verify-failed.png: the verifying page in Chromium, over vectors/verify.

.venv/bin/python docs/make_pictures.py
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from e2e.chromium import Reader, context, listener, started  # noqa: E402

CASES = {"verify-held": "a request with its record and envelope", "verify-failed": "record: another value"}


def main() -> None:
    """Both pictures; the page from its button on."""
    cases = {
        each["name"]: each for each in json.loads((ROOT / "vectors/verify/cases.json").read_text())["cases"]
    }
    with listener() as proxy, started() as browser, context(proxy, browser) as offline:
        for picture, name in CASES.items():
            reader = Reader.opens(offline, ROOT / "verify" / "index.html")
            reader.page.set_viewport_size({"width": 640, "height": 720})
            reader.chooses(**{each: b64decode(cases[name][each]) for each in ("policy", "receipt", "record")})
            reader.verifies()
            top = reader.page.locator("#check").bounding_box() or {"y": 0.0}
            reader.page.screenshot(
                path=ROOT / "docs" / "pictures" / f"{picture}.png",
                full_page=True,
                clip={"x": 0, "y": top["y"] - 16, "width": 640, "height": 330},
            )


if __name__ == "__main__":
    main()
