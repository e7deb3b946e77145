"""`kakine verify`: check a receipt file, and a record file, with nothing but a policy, or a signed page with a key. No
network, no folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from kakine.protocols import verification
from kakine.protocols.signed_pages import PageVerdict, verify_page
from kakine.protocols.verification import Step, Verdict
from kakine.values.calendar import in_japan
from kakine.values.problems import ScanUnreadable
from kakine.wire.opening import Value
from kakine.wire.page import HEADER
from kakine.wire.policy import LOG, vkey
from kakine.wire.scanned import Scans, is_scan, read_scans

POLICY_NAME = "policy.txt"
PORTAL_NAME = "portal.txt"

_FILE = {"exists": True, "dir_okay": False, "readable": True}


def verify(
    receipt: Annotated[
        Path,
        typer.Argument(help="Receipt file (.tlog-proof), or the texts of QR codes from a paper.", **_FILE),
    ],
    record: Annotated[
        Path | None,
        typer.Option(help="Record file (.record.json) that the receipt is for.", **_FILE),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Policy: whose signatures to believe. Without it: policy.txt beside the receipt."),
    ] = None,
    portal: Annotated[
        Path | None,
        typer.Option(
            help="For a signed page: the keys of signers to believe. Without it: portal.txt beside the page."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """受領証や署名された頁を確かめる: verify a receipt, or a signed page, offline. Exits 1 if any step fails.

    A policy or key that came together with the paper proves nothing by itself: compare the key it prints with the
    gazette. Examples:

      kakine verify 42.tlog-proof

      kakine verify 42.tlog-proof --record 42.record.json --policy policy.txt

      kakine verify page.txt --portal portal.txt

    A file may hold the texts that were scanned from a paper (`kakine paper`), one code a line: receipt and record of
    one line together, or all codes of one page.
    """
    scans = _scans(receipt)
    if scans.page is not None:
        told = _about_page(scans.page, _beside(receipt, portal, PORTAL_NAME, "--portal"), as_json=as_json)
    else:
        told = _about_receipt(receipt, scans, record, policy, as_json=as_json)
    good, lines = told
    for line in lines:
        typer.echo(line)
    if not good:
        raise typer.Exit(1)


def _about_receipt(
    path: Path, scans: Scans, record: Path | None, policy: Path | None, *, as_json: bool
) -> tuple[bool, list[str]]:
    believed = _beside(path, policy, POLICY_NAME, "--policy")
    with_it = _record(record) if record else scans.record
    if scans.receipt is None:
        raise ScanUnreadable(part="missing")
    if scans.record not in (None, with_it):
        raise ScanUnreadable(part="mixed")
    verdict = verification.verify(believed, scans.receipt, with_it)
    lines = [json.dumps(as_data(verdict), ensure_ascii=False)] if as_json else list(text(verdict))
    return verdict.good, lines


def _about_page(note: bytes, keys: bytes, *, as_json: bool) -> tuple[bool, list[str]]:
    verdict = verify_page(keys, note)
    lines = [json.dumps(page_data(verdict), ensure_ascii=False)] if as_json else list(page_text(verdict))
    return verdict.good, lines


def _beside(path: Path, given: Path | None, name: str, hint: str) -> bytes:
    believed = given or path.with_name(name)
    if not believed.is_file():
        raise typer.BadParameter("there is no such file", param_hint=hint)
    return believed.read_bytes()


def _scans(path: Path) -> Scans:
    """A file as it is, or out of the texts of QR codes. Raises `ScanUnreadable`."""
    data = path.read_bytes()
    if is_scan(data):
        return read_scans(data.decode("ascii", "replace"))
    if data.startswith(f"{HEADER}\n".encode()):
        return Scans(page=data)
    return Scans(receipt=data)


def _record(path: Path) -> bytes:
    data = path.read_bytes()
    if not is_scan(data):
        return data
    found = read_scans(data.decode("ascii", "replace")).record
    if found is None:
        raise ScanUnreadable(part="missing")
    return found


def as_data(verdict: Verdict) -> dict[str, Any]:
    """The verdict as the vectors and the page have it: steps always, what the files say only if every step held."""
    steps = [{"step": each.name, "state": str(each.state), "why": each.why} for each in verdict.steps]
    return {"good": verdict.good, "steps": steps, "shown": _shown(verdict) if verdict.good else None}


def _shown(verdict: Verdict) -> dict[str, Any]:
    shown = verdict.shown
    entry, log = shown.entry, shown.log
    if entry is None or log is None:
        return {}
    return {
        "key": vkey(log.name, LOG, log.key),
        "index": str(shown.proof.index),
        "size": str(shown.head.size),
        "kind": entry.kind.name.lower(),
        "minutes": entry.minutes,
        "witnesses": sorted(shown.witnesses),
        "fields": [[name, _plain(value)] for name, value in shown.values().items()],
    }


def _plain(value: Value) -> str | int | list[str] | None:
    if isinstance(value, bytes):
        return value.hex()
    return list(value) if isinstance(value, tuple) else value


def text(verdict: Verdict) -> Iterator[str]:
    """The verdict in Japanese and English, a step on two lines."""
    words = _words("verdict_texts.json")
    yield from _steps(verdict.steps, words)
    yield ""
    said = words["verdict"]
    for line in ("good" if verdict.good else "bad", "limits"):
        yield from (said[line]["ja"], said[line]["en"])
    if verdict.good:
        seen = said["public" if verdict.witnessed else "private"]
        yield from ("", seen["ja"], seen["en"])
        yield from _told(_shown(verdict), said)


def _words(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("kakine.cli").joinpath(name).read_text("utf-8"))
    return found


def _steps(steps: Sequence[Step], words: dict[str, Any]) -> Iterator[str]:
    marks = {"held": "✓", "failed": "✗", "absent": "–", "open": "·"}
    for step in steps:
        state, label = words["states"][step.state], words["steps"][step.name]
        yield f"{marks[step.state]} {label['ja']}：{state['ja']}{_why(words, step.why, 'ja')}"
        yield f"    {label['en']}: {state['en']}{_why(words, step.why, 'en')}"


def page_data(verdict: PageVerdict) -> dict[str, Any]:
    """The verdict on a signed page as the vectors and the page have it."""
    steps = [{"step": each.name, "state": str(each.state), "why": each.why} for each in verdict.steps]
    page, shown = verdict.shown.page, dict[str, Any]()
    if verdict.good and page is not None:
        at = in_japan(page.time_ms).isoformat(timespec="minutes")
        shown = {"key": verdict.shown.vkey, "by": page.by, "at": at, "page": page.page}
        shown |= {
            "language": page.language,
            "gazette": page.gazette,
            "lines": [list(line) for line in page.lines],
        }
    return {"good": verdict.good, "steps": steps, "shown": shown or None}


def page_text(verdict: PageVerdict) -> Iterator[str]:
    """The verdict on a signed page in Japanese and English, and what it says, a line each."""
    words = _words("page_texts.json") | {"states": _words("verdict_texts.json")["states"]}
    yield from _steps(verdict.steps, words)
    yield ""
    said, shown = words["verdict"], page_data(verdict)["shown"]
    for line in ("good" if verdict.good else "bad", "limits"):
        yield from (said[line]["ja"], said[line]["en"])
    if shown:
        yield ""
        for name in ("key", "by", "at", "page", "language", "gazette"):
            yield f"{said[name]['ja']} {said[name]['en']}: {harmless(str(shown[name]))}"
        yield from (f"  {tag}: {harmless(line)}" for tag, line in shown["lines"])


def _why(words: dict[str, Any], why: str, language: str) -> str:
    if not why:
        return ""
    reason = words["whys"].get(why.partition("/")[0])
    return f" — {reason[language]} [{why}]" if reason else f" [{why}]"


def _told(shown: dict[str, Any], said: dict[str, Any]) -> Iterator[str]:
    when = datetime.fromtimestamp(shown["minutes"] * 60, UTC).strftime("%Y-%m-%d %H:%M")
    rows = {
        "key": shown["key"],
        "entry": shown["index"],
        "of": shown["size"],
        "kind": shown["kind"],
        "time": when,
        "witnessed": ", ".join(shown["witnesses"]),
    }
    for name, value in rows.items():
        if value:
            yield f"{said[name]['ja']} {said[name]['en']}: {harmless(value)}"
    for name, value in shown["fields"]:
        yield f"  {name}: {_readable(value, said['hidden'])}"


def _readable(value: Any, hidden: dict[str, str]) -> str:
    if value is None:
        return f"{hidden['ja']} {hidden['en']}"
    return harmless(", ".join(value) if isinstance(value, list) else str(value))


def harmless(text: str) -> str:
    """A file's own words may hold line breaks, terminal commands or turned directions, to look like a verdict."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
