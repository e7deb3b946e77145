"""The figures of bench/country.py as Markdown, ratios first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from country_floors import ALONE_MS, GATHERED_MS

_SORTS = (
    "the agencies' gateways",
    "the converters",
    "the record keepers",
    "the ledgers",
    "the ledgers' signers",
    "the others",
    "postgresql",
    "the load generator",
)
_MIX = {"one": "one agency, one procedure", "all": "all agencies, all procedures"}


def whole(found: dict[str, Any]) -> str:
    """All of it."""
    machine = found["machine"]
    crowded = max(machine["load"], machine.get("load_after", 0)) > machine["cores"]
    lines = [
        f"`{machine['command']}`, commit {machine['commit']}, {machine['at']}: {machine['cores']} cores of "
        f"{machine['cpu']}, Python {machine['python']}, {machine['system']}, load {machine['load']:.1f} before and "
        f"{machine.get('load_after', 0):.1f} after"
        + ("; **crowded: other work ran on the machine**." if crowded else ".")
    ]
    for name, each in found["engines"].items():
        where = f"stores on {each['disk']}, {each['residents']} residents"
        lines += ["", f"### {'SQLite' if name == 'sqlite' else 'PostgreSQL'}: {where}", "", *_engine(each)]
    return "\n".join(lines)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _engine(found: dict[str, Any]) -> Iterator[str]:
    yield from _aims(found)
    yield from _interactive(found)
    yield from _parties(found)
    yield from _bulk(found)
    yield from _floors(found)
    if "growth" in found:
        yield from _growth(found["growth"])


def _cpu(each: dict[str, Any]) -> float:
    """Milliseconds of all parties, the load generator left out."""
    return sum(sum(part.values()) for name, part in each["cpu_ms"].items() if name != "the load generator")


def _model(found: dict[str, Any], callers: int) -> float:
    extra = GATHERED_MS if callers >= 16 else ALONE_MS
    return float(found["group_ms"]["S0_PLUS"] + extra)


def _aims(found: dict[str, Any]) -> list[str]:
    one, many, bulk = (*(found["interactive"][mix] for mix in _MIX), found["bulk"]["full"])
    asked = [
        ("a lone caller, p50, ms", -20, one["closed"]["1"]["p50_ms"]),
        ("64 callers, one procedure, exchanges/s", 1000, one["closed"]["64"]["per_second"]),
        ("64 callers, all procedures, exchanges/s", 1000, many["closed"]["64"]["per_second"]),
        ("one procedure at half of the best rate, p99, ms", -100, one["open"]["p99_ms"]),
        ("all procedures at half of the best rate, p99, ms", -100, many["open"]["p99_ms"]),
        ("full requests, subjects/s", 2000, bulk["per_second"]),
    ]
    rows = [_aim(what, aim, got, f"{got:,.0f}") for what, aim, got in asked]
    if "growth" in found:
        low, high = _ends(found["growth"])
        ratio = high / low
        rows.append(_aim("cost with the most residents ÷ with the fewest", -1.2, ratio, f"{ratio:.2f}"))
    return _table(("what", "aim", "measured", ""), rows)


def _aim(what: str, aim: float, got: float, shown: str) -> tuple[str, ...]:
    """A negative aim is a most, a positive one a least."""
    well = got <= -aim if aim < 0 else got >= aim
    words = f"at {'most' if aim < 0 else 'least'} {abs(aim):,}"
    return what, words, f"**{shown}**", "reached" if well else "missed"


def _ends(points: list[dict[str, Any]]) -> tuple[float, float]:
    empty = [each for each in points if not each["leaves"]]
    return empty[0]["several"]["net_ms"], empty[-1]["several"]["net_ms"]


def _interactive(found: dict[str, Any]) -> list[str]:
    group = found["group_ms"]["S0_PLUS"]
    rows = []
    for mix, shapes in found["interactive"].items():
        for callers, each in shapes["closed"].items():
            cpu = _cpu(each)
            rows.append(
                (
                    f"{_MIX[mix]}, {callers} caller{'s' * (callers != '1')}",
                    f"{cpu / group:.1f}",
                    f"{cpu / _model(found, int(callers)):.1f}",
                    f"{each['per_second']:.1f}",
                    f"{each['p50_ms']:.1f}",
                    f"{each['p99_ms']:.1f}",
                    f"{cpu:.2f}",
                    str(each["count"]),
                    _refused(each),
                )
            )
        each = shapes["open"]
        due = each["count"] + each["unanswered"]
        rows.append(
            (
                f"{_MIX[mix]}, open at half of the best: {due} due, {each['unanswered']} unanswered",
                f"{_cpu(each) / group:.1f}",
                "",
                f"{each['per_second']:.1f}",
                f"{each['p50_ms']:.1f}",
                f"{each['p99_ms']:.1f}",
                f"{_cpu(each):.2f}",
                str(each["count"]),
                _refused(each),
            )
        )
    head = (
        "processor ÷ group floor",
        "÷ model",
        "exchanges/s",
        "p50 ms",
        "p99 ms",
        "processor ms",
        "asked",
        "refused",
    )
    return _table(("", *head), rows)


def _refused(each: dict[str, Any]) -> str:
    return str(sum(count for name, count in each["results"].items() if name.startswith("refused")))


def _parties(found: dict[str, Any]) -> list[str]:
    shapes = {
        f"{callers}, {'one' if mix == 'one' else 'all'}": found["interactive"][mix]["closed"][callers]
        for mix in ("one", "all")
        for callers in ("1", "64")
    }
    rows = []
    for sort in _SORTS:
        parts = [sum(each["cpu_ms"].get(sort, {}).values()) for each in shapes.values()]
        if any(parts):
            rows.append((sort, *(f"{part:.2f}" for part in parts)))
    for kind, words in (
        ("loop", "event loops, in the program"),
        ("kernel", "event loops, in the kernel"),
        ("writer", "the stores' writer threads"),
        ("backend", "PostgreSQL"),
    ):
        parts = [
            sum(part.get(kind, 0) for name, part in each["cpu_ms"].items() if name != "the load generator")
            for each in shapes.values()
        ]
        if any(parts):
            rows.append((f"*of all parties: {words}*", *(f"{part:.2f}" for part in parts)))
    return _table(("processor ms an exchange", *(f"{name}" for name in shapes)), rows)


def _bulk(found: dict[str, Any]) -> list[str]:
    each, model = found["bulk"], found["group_ms"]["S0_PLUS"] + GATHERED_MS
    rows = [
        (
            words,
            f"{_cpu(one) / model:.1f}" if "cpu_ms" in one else "",
            f"{one['per_second']:.1f}",
            *(f"{one[part]:.1f}" if part in one else "—" for part in ("p50_ms", "p99_ms")),
        )
        for words, one in (
            ("256 callers of one procedure: every request is full", each["full"]),
            ("the same, with a clerk of another agency asking", each["beside"]),
            ("that clerk, alone", each["single_alone"]),
            ("that clerk, meanwhile", each["single_during"]),
            (f"`kakine ask --file` over {each['file']['count']} people, from start to answers", each["file"]),
        )
    ]
    return _table(("full requests", "processor ÷ model", "subjects/s", "p50 ms", "p99 ms"), rows)


def _floors(found: dict[str, Any]) -> list[str]:
    rows = []
    for callers, each in found["floor"].items():
        both = 1000 * (each["server_cpu_s"] + each["load_cpu_s"]) / max(each["count"], 1)
        rows.append(
            (
                callers,
                f"{each['per_second']:.0f}",
                f"{each['p50_ms']:.2f}",
                f"{each['p99_ms']:.2f}",
                f"{both:.2f}",
            )
        )
    group = ", ".join(f"{ms:.2f} ms ({mode.replace('_PLUS', '+')})" for mode, ms in found["group_ms"].items())
    head = (
        "floor: a request and its answer over mutual TLS",
        "a second",
        "p50 ms",
        "p99 ms",
        "processor ms, both sides",
    )
    return [*_table(head, rows), f"Group work of one exchange: {group}.", ""]


def _growth(points: list[dict[str, Any]]) -> list[str]:
    first = points[0]["several"]["net_ms"]
    rows = []
    for each in points:
        several, disk, memory, again = each["several"], each["disk_mb"], each["memory_mb"], each["restart_s"]
        rows.append(
            (
                f"{each['residents']:,} / {each['leaves']:,}",
                f"{several['net_ms'] / first:.2f}",
                f"{several['net_ms']:.2f}",
                f"{several['per_second']:.0f}",
                f"{each['lone']['p50_ms']:.1f}",
                f"{sum(disk.values()):,.0f}",
                f"{disk.get('ledger-a', 0):,.0f}",
                f"{sum(memory.values()):,.0f}",
                f"{memory.get('ledger-a', 0):,.0f}",
                ", ".join(f"{name} {seconds:.1f}" for name, seconds in again.items()),
            )
        )
    head = (
        "processor ÷ the first row",
        "processor ms",
        "exchanges/s",
        "lone caller p50 ms",
        "stores MB",
        "a ledger's",
        "memory MB",
        "a ledger's",
        "restart s",
    )
    return _table(("residents / leaves of each log", *head), rows)
