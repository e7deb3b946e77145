"""Making the next version from the law in force."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kakine.protocols.gazette import Law, LawBook
from kakine.protocols.gazette_diff import widenings
from kakine.protocols.gazette_sound import require_sound
from kakine.values.problems import GazetteNotNarrowing
from kakine.wire.gazette import Gazette, Kind, Subject, Suspension


def next_version(
    book: LawBook, content: Gazette, now_ms: int, effective_ms: int, reason_ja: str, reason_en: str
) -> Gazette:
    """`content` as the version after the last one published, changing the law in force at `now_ms`.

    Its kind follows from what it changes; a narrowing takes effect at `now_ms` whatever `effective_ms` says.
    Raises NoLawInForce. Not checked: soundness and waiting time; `LawBook.check` does, once it is signed.
    """
    present, last = book.in_force(now_ms), book.published[-1]
    kind = Kind.WIDENING if widenings(present.gazette, content) else Kind.NARROWING
    return msgspec.structs.replace(
        content,
        number=last.gazette.number + 1,
        previous=last.digest,
        changes=present.digest,
        kind=kind,
        published_ms=now_ms,
        effective_ms=effective_ms if kind is Kind.WIDENING else now_ms,
        reason_ja=reason_ja,
        reason_en=reason_en,
    )


def narrowed(
    law: Law, suspend: Iterable[tuple[Subject, str]], strike: Iterable[str], reason: str, until: int = 0
) -> Gazette:
    """The law with these suspensions added, until a day or without an end, and these rows struck. Raises RowUnknown.

    What is suspended already keeps the reason it has, and the later end.
    """
    gone = set(strike)
    for row_id in sorted(gone):
        law.row(row_id)
    before = {(entry.subject, entry.name): entry for entry in law.gazette.suspensions}
    added = {(subject, name): Suspension(subject, name, reason, until) for subject, name in suspend}
    longer = {
        key: msgspec.structs.replace(old, until=until if until and old.until else 0)
        for key, old in before.items()
        if key in added and old.until and (not until or until > old.until)
    }
    kept = (
        entry
        for key, entry in {**added, **before, **longer}.items()
        if key[0] is not Subject.ROW or key[1] not in gone
    )
    return msgspec.structs.replace(
        law.gazette,
        rows=tuple(row for row in law.gazette.rows if row.id not in gone),
        sealings=tuple(entry for entry in law.gazette.sealings if entry.id not in gone),
        suspensions=tuple(sorted(kept, key=lambda entry: (entry.subject.value, entry.name))),
    )


def narrowing_version(
    book: LawBook,
    suspend: Iterable[tuple[Subject, str]],
    strike: Iterable[str],
    now_ms: int,
    reason_ja: str,
    reason_en: str,
    until: int = 0,
) -> Gazette:
    """The next version: these suspended, until a day or without an end, and these rows struck, from `now_ms`. With
    neither it drops a widening that waits, and does nothing else.

    Raises RowUnknown, GazetteInconsistent (nothing of that name) and GazetteNotNarrowing where one signature
    is not enough, as for a ground that protects people.
    """
    present = book.in_force(now_ms)
    content = narrowed(present, suspend, strike, reason_en, until)
    require_sound(content)
    widening = widenings(present.gazette, content)
    if widening:
        raise GazetteNotNarrowing(changes=[change.en for change in widening])
    return next_version(book, content, now_ms, now_ms, reason_ja, reason_en)
