"""`kakine verify`: check a receipt file, and a record file, with nothing but a policy. No network, no folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from kakine.protocols import verification
from kakine.protocols.verification import Verdict
from kakine.wire.opening import Value
from kakine.wire.policy import LOG, vkey
from kakine.wire.scanned import Scanned, is_scan, unpack

POLICY_NAME = "policy.txt"

_FILE = {"exists": True, "dir_okay": False, "readable": True}


def verify(
    receipt: Annotated[Path, typer.Argument(help="Receipt file (.tlog-proof).", **_FILE)],
    record: Annotated[
        Path | None,
        typer.Option(help="Record file (.record.json) that the receipt is for.", **_FILE),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Policy: whose signatures to believe. Without it: policy.txt beside the receipt."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """受領証を確かめる: verify a receipt offline. Exits 1 if any step fails.

    A policy that came together with the receipt proves nothing by itself: compare the key it prints with the gazette.
    Examples:

      kakine verify 42.tlog-proof

      kakine verify 42.tlog-proof --record 42.record.json --policy policy.txt

    Both may be the texts that were scanned from a paper copy (`kakine paper`).
    """
    believed = policy or receipt.with_name(POLICY_NAME)
    if not believed.is_file():
        raise typer.BadParameter("there is no such policy file", param_hint="--policy")
    told = _file(record, Scanned.RECORD) if record else None
    verdict = verification.verify(believed.read_bytes(), _file(receipt, Scanned.RECEIPT), told)
    for line in [json.dumps(as_data(verdict), ensure_ascii=False)] if as_json else text(verdict):
        typer.echo(line)
    if not verdict.good:
        raise typer.Exit(1)


def _file(path: Path, kind: Scanned) -> bytes:
    """A file as it is, or out of the text of its QR code. Raises `ScanUnreadable`."""
    data = path.read_bytes()
    return unpack(data.decode("ascii", "replace"), kind) if is_scan(data) else data


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
    words = json.loads(files("kakine.cli").joinpath("verdict_texts.json").read_text("utf-8"))
    marks = {"held": "✓", "failed": "✗", "absent": "–", "open": "·"}
    for step in verdict.steps:
        state, label = words["states"][step.state], words["steps"][step.name]
        yield f"{marks[step.state]} {label['ja']}：{state['ja']}{_why(words, step.why, 'ja')}"
        yield f"    {label['en']}: {state['en']}{_why(words, step.why, 'en')}"
    yield ""
    said = words["verdict"]
    for line in ("good" if verdict.good else "bad", "limits"):
        yield from (said[line]["ja"], said[line]["en"])
    if verdict.good:
        seen = said["public" if verdict.witnessed else "private"]
        yield from ("", seen["ja"], seen["en"])
        yield from _told(_shown(verdict), said)


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
