"""Write vectors/papers/cases.json: texts of QR codes, what they hold and the verdict that a page must get, from fixed
seeds. What is expected is written here by hand and not asked of a verifier.

.venv/bin/python vectors/papers/make.py           # write
.venv/bin/python vectors/papers/make.py --check   # exit 1 if the file is old

Each case has `text` (as scanned), `keys` (of signers) and either `refused` (the code) or `receipt`, `record` (SHA-256
in hex, or null) and `page`: null, or the verdict with `good`, `steps` as [name, state, why] and `shown`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

from kakine.crypto.signing import SigningKey
from kakine.wire import checkpoint
from kakine.wire.page import Page, line_of
from kakine.wire.policy import LOG, vkey
from kakine.wire.scanned import Scanned, pack, pack_page

HERE = Path(__file__).resolve().parent
FILE = HERE / "cases.json"
STEPS = ("keys", "page", "signer", "signature")
TIME_MS = 29_500_000 * 60_000
AT = "2026-02-02T11:40+09:00"

PORTAL, OTHER = (SigningKey(hashlib.sha256(name).digest()) for name in (b"papers portal", b"papers other"))
KEYS = f"{vkey('portal', LOG, PORTAL.public)}\n"
OTHERS = f"{vkey('portal', LOG, OTHER.public)}\n"

LINES = (
    line_of("h1", "つながる範囲"),
    line_of("p", "これらの機関が尋ねたり答えたりすると、\nあなたの履歴に必ず残ります。"),
    line_of("li", "h1 これは見出しではない <b>&amp; #set page()\u202e"),
)
PAGE = Page("portal", TIME_MS, "coverage", "ja", 3, LINES)
LONG = Page(
    "portal", TIME_MS, "letters", "en", 3,
    tuple(line_of("p", hashlib.sha256(str(j).encode()).hexdigest()) for j in range(90)),
)  # fmt: skip


def bad(part: str) -> dict[str, Any]:
    """The page is none, by this part."""
    return verdict("page", f"page-malformed/{part}")


FORGED = ("signature", "signature-invalid")


def shown(page: Page) -> dict[str, Any]:
    """What a reader of it is told."""
    return {
        "key": KEYS.strip(), "by": "portal", "at": AT, "page": page.page, "language": page.language,
        "gazette": page.gazette, "lines": [list(line) for line in page.lines],
    }  # fmt: skip


def verdict(failing: str = "", why: str = "", page: Page = PAGE) -> dict[str, Any]:
    """Every step held, but for one that fails and those after it."""
    steps, state = [], "held"
    for name in STEPS:
        state = "failed" if name == failing else "open" if state != "held" else "held"
        steps.append([name, state, why if state == "failed" else ""])
    return {"good": not failing, "steps": steps, "shown": None if failing else shown(page)}


def paged(note: bytes, wanted: dict[str, Any], keys: str = KEYS) -> dict[str, Any]:
    """A case of a page in its codes."""
    return {"text": "\n".join(pack_page(note)), "keys": keys, "receipt": None, "record": None, "page": wanted}


def refused(text: str, code: str) -> dict[str, Any]:
    """A case of texts that hold nothing."""
    return {"text": text, "keys": KEYS, "refused": code}


def held(text: str, receipt: bytes | None, record: bytes | None) -> dict[str, Any]:
    """A case of a receipt, a record, or both."""
    digests = [None if each is None else hashlib.sha256(each).hexdigest() for each in (receipt, record)]
    return {"text": text, "keys": KEYS, "receipt": digests[0], "record": digests[1], "page": None}


def rewritten(note: bytes, old: str, new: str) -> bytes:
    """The note with another text under the same signature."""
    text = note.decode()
    if text.count(old) != 1:
        raise ValueError(old)
    return text.replace(old, new).encode()


def resigned(old: str, new: str) -> bytes:
    """A text that is no page, signed all the same."""
    text = rewritten(PAGE.text().encode(), old, new).decode()
    return checkpoint.sign_note(text, "portal", PORTAL)


def pages() -> dict[str, Any]:
    """Signed pages."""
    note, long = PAGE.sign(PORTAL), LONG.sign(PORTAL)
    line = note.decode().rpartition("\n\n")[2]
    spare = checkpoint.sign_note(PAGE.text(), "else", OTHER).decode().rpartition("\n\n")[2]
    return {
        "a page": paged(note, verdict()),
        "a page in several codes": paged(long, verdict(page=LONG)),
        "a page under several keys": paged(note, verdict(), OTHERS + KEYS),
        "a changed word": paged(rewritten(note, "必ず", "時々"), verdict(*FORGED)),
        "another time": paged(rewritten(note, "T11:40", "T11:41"), verdict(*FORGED)),
        "another gazette": paged(rewritten(note, "gazette 3", "gazette 4"), verdict(*FORGED)),
        "another signer's key": paged(note, verdict("signer", "page-signer-unknown"), OTHERS),
        "signed by somebody else": paged(PAGE.sign(OTHER), verdict("signer", "page-signer-unknown")),
        "keys that are none": paged(note, verdict("keys", "policy-malformed/key"), "portal\n"),
        "keys without an end": paged(note, verdict("keys", "policy-malformed/form"), KEYS.strip()),
        "keys with other signs": paged(note, verdict("keys", "policy-malformed/encoding"), f"鍵{KEYS}"),
        "a spare signature": paged(note + spare.encode(), bad("note")),
        "no signature": paged(note.removesuffix(line.encode()), bad("note")),
        "no text": paged(b"", bad("note")),
        "not UTF-8": paged(b"\xff" + note, bad("note")),
        "another form": paged(resigned("page/v1", "page/v2"), bad("form")),
        "another author than the signer": paged(resigned("by portal", "by ministry"), bad("by")),
        "no such hour": paged(resigned("T11:40", "T24:40"), bad("at")),
        "no such day": paged(resigned("-02-02T", "-02-30T"), bad("at")),
        "a number with a zero before it": paged(resigned("gazette 3", "gazette 03"), bad("gazette")),
        "no such language": paged(resigned("language ja", "language fr"), bad("language")),
        "a name with blanks": paged(resigned("page coverage", "page a b"), bad("page")),
        "an unknown tag": paged(resigned("p これ", "script これ"), bad("line")),
        "a line without a text": paged(resigned("\nh1 つながる範囲\n", "\nh1\n"), bad("line")),
        "a line separator": paged(resigned("範囲", "範\u2028囲"), bad("line")),
        "no line": paged(
            checkpoint.sign_note(PAGE.text().partition("\n\n")[0] + "\n", "portal", PORTAL),
            bad("form"),
        ),
    }  # fmt: skip


def texts() -> dict[str, Any]:
    """Codes that hold something, and such that do not."""
    listed = json.loads((HERE.parent / "verify" / "cases.json").read_text("utf-8"))["cases"]
    case = next(each for each in listed if each["name"] == "a request with its record and envelope")
    other = next(each for each in listed if each["name"] == "record: another value")
    receipt, record, changed = (
        b64decode(each) for each in (case["receipt"], case["record"], other["record"])
    )
    e, r, c = pack(Scanned.RECEIPT, receipt), pack(Scanned.RECORD, record), pack(Scanned.RECORD, changed)
    one, two = pack_page(PAGE.sign(PORTAL)), pack_page(LONG.sign(PORTAL))
    both = pack_page(Page("portal", TIME_MS, "ways", "en", 3, LONG.lines).sign(PORTAL))
    unread, mixed = "scan-unreadable", "scan-unreadable/mixed"
    return {
        "a receipt": held(e, receipt, None),
        "receipt and record": held(f"{e}\n{r}", receipt, record),
        "the record first, and each twice": held(f"  {r}\r\n\r\n{e}\r\n{r}\n{e}  ", receipt, record),
        "a scanner that ends no line": held(e + r, receipt, record),
        "a record alone": held(r, None, record),
        "codes of a page in any order, one twice": {
            **paged(LONG.sign(PORTAL), verdict(page=LONG)), "text": "\n".join([*reversed(two), two[0]]),
        },
        "nothing": refused("", unread),
        "something else": refused("https://example.org", unread),
        "something else beside it": refused(f"{e}\nhello", unread),
        "another letter": refused(e.replace("/E/", "/X/", 1), unread),
        "small letters": refused(e.lower(), unread),
        "cut": refused(e[:-3], unread),
        "cut by one sign": refused(e[:-1], unread),
        "longer": refused(f"{e}00", unread),
        "two records": refused(f"{e}\n{r}\n{c}", mixed),
        "a page beside a receipt": refused(f"{e}\n{one[0]}", mixed),
        "codes of two pages": refused("\n".join([*one, *two]), mixed),
        "a code of one page in another": refused("\n".join([two[0], *both[1:]]), mixed),
        "the text of one page under the mark of another": refused(
            "\n".join([two[0].replace(two[0].split("/")[4], both[0].split("/")[4]), *both[1:]]), unread
        ),
        "a code missing": refused("\n".join(two[1:]), "scan-unreadable/missing"),
        "a number twice": refused("\n".join([*two, two[0][:-3]]), mixed),
        "a number too high": refused(one[0].replace("/1/1/", "/2/1/"), "scan-unreadable/missing"),
        "a number that is none": refused(one[0].replace("/1/1/", "/01/1/"), unread),
        "another mark": refused(one[0].replace(one[0].split("/")[4], "0" * 16), mixed),
        "more than a file may hold": refused(pack(Scanned.RECEIPT, bytes(1 << 20)), unread),
    }  # fmt: skip


def built() -> str:
    """The file."""
    cases = [{"name": name, **case} for name, case in (texts() | pages()).items()]
    return (
        json.dumps({"about": __doc__.split("\n\n")[0], "cases": cases}, ensure_ascii=False, indent=1) + "\n"
    )


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. The exit code."""
    made = built()
    if "--check" in arguments:
        return int(not FILE.is_file() or FILE.read_text("utf-8") != made)
    FILE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
