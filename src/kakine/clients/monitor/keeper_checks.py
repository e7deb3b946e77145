"""The checks of what record keepers say they hold and are owed (spec/monitor.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.clients.monitor.erasures import Whole
from kakine.clients.monitor.findings import LACKS, Code, Evidence, Fact, Finding
from kakine.clients.monitor.keepers import Lacking
from kakine.clients.monitor.reading import Reading, Word

_MINUTE_MS = 60_000
_MOST = 16
"""Findings of one check in one look that name single entries."""


def statements(reading: Reading) -> Iterator[Finding]:
    """Record keepers answer, sign, and speak about what was asked."""
    for keeper, problem in sorted({(each.keeper, each.problem) for each in reading.answers if each.problem}):
        yield reading.finding(Code.STATEMENT_INVALID, party=keeper, problem=problem)


def held(reading: Reading) -> Iterator[Finding]:
    """Every request, outcome and view of the log is held by each record keeper: none is lost, none is made up."""
    for answer in reading.answers:
        if answer.standing is None or answer.said is None:
            continue
        for lacking in answer.lacking:
            if not _on_its_way(reading, lacking):
                code = LACKS[lacking.kind]
                facts: dict[str, Fact] = {"party": answer.keeper, "index": lacking.index}
                yield reading.finding(code, lacking.index, said=(lacking.said,), **facts)
        if answer.standing.counts != answer.counts and not answer.lacking:
            stated = answer.standing.counts._asdict()
            in_log = {f"log_{name}": number for name, number in answer.counts._asdict().items()}
            yield reading.finding(
                Code.KEEPER_DIFFERS,
                said=(answer.said,),
                party=answer.keeper,
                first=answer.first,
                last=answer.end - 1,
                **stated,
                **in_log,
            )


def _on_its_way(reading: Reading, lacking: Lacking) -> bool:
    """Logged, and the receipt not yet back at the keeper: it may say so for as long as an outcome may be due."""
    age = reading.now_ms // _MINUTE_MS - lacking.minutes
    return lacking.unlogged > 0 and age < reading.limits.owed_minutes


def owed(reading: Reading) -> Iterator[Finding]:
    """Every request that was handed to a recipient has an outcome in time, by the record keeper's word."""
    for answer in reading.answers:
        if answer.standing is not None and answer.said is not None:
            for index in answer.standing.unanswered[:_MOST]:
                facts = {"index": index, "minutes": reading.limits.owed_minutes}
                said = (answer.said,)
                yield reading.finding(Code.OUTCOME_MISSING, index, said=said, party=answer.keeper, **facts)


def outcome_counts(whole: Whole) -> Iterator[Finding]:
    """A keeper says that no more requests are answered than there are outcomes in all logs: while the log of a request
    is away, its outcome goes into another.

    It said so before any head was read, and of old requests only, so an honest one is never above the logs. One that
    hides a debt is, unless as many young requests have been answered meanwhile.
    """
    readings = whole.readings
    logged = sum(page.outcomes for reading in readings for page in reading.pages.values())
    words: dict[str, list[Word]] = {}
    for word in (word for reading in readings for word in reading.words):
        words.setdefault(word.keeper, []).append(word)
    for keeper, spoken in words.items():
        answered = sum(word.standing.awaited - word.standing.owed for word in spoken)
        if answered > logged:
            facts: dict[str, Fact] = {"party": keeper, "answered": answered, "log_outcomes": logged}
            said = tuple(word.said for word in spoken)
            yield Finding(Code.OUTCOMES_DIFFER, facts, Evidence(said=said))
