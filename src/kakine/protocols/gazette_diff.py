"""What differs between two versions, in plain words, and whether each difference lets anything new happen.

The same list decides which signatures a version needs, so a change that has no sentence cannot be published.
A change is narrowing only if it is one of the few forms below that provably only take away; all else widens.
Taking away a guard (a converter, the record keeper, the ledger, the portal, the commission ...) or a person's
own grounds is no narrowing: the rest would go on with less protection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

import msgspec

from kakine.crypto.hashing import digest
from kakine.protocols.gazette_sound import suspendable
from kakine.values.calendar import day
from kakine.wire.gazette import (
    Assessment,
    Client,
    Domain,
    Gazette,
    Ground,
    Party,
    Row,
    Sealing,
    Subject,
    Suspension,
)

ORDINARY = frozenset({"gateway"})
"""Roles without which the rest is as well guarded as before."""


@dataclass(frozen=True)
class Change:
    """One difference. `what` is the list it is in, `name` the entry, `ja` and `en` a sentence each."""

    widens: bool
    what: str
    name: str
    ja: str
    en: str


class _Named(Protocol):
    @property
    def id(self) -> str: ...


@dataclass(frozen=True)
class _Words:
    what: str
    ja: str
    en: str


_TYPES = _Words("types", "機関の種類", "party type")
_ITEMS = _Words("items", "情報項目", "item")
_PROCEDURES = _Words("procedures", "事務手続", "procedure")
_ROWS = _Words("rows", "連携の行", "row")
_PARTIES = _Words("parties", "機関", "party")
_DOMAINS = _Words("domains", "業務分野", "domain")
_ASSESSMENTS = _Words("assessments", "保護評価", "assessment")
_GROUNDS = _Words("grounds", "制度上の根拠", "ground")
_SEALINGS = _Words("sealings", "封印の許可", "leave to seal")
_CLIENTS = _Words("clients", "ログインの利用者", "relying party")
_SUSPENSIONS = _Words("suspensions", "停止", "suspension")

E = TypeVar("E")
Judge = Callable[[E, E], Iterator[Change]]


def describe(old: Gazette, new: Gazette) -> list[Change]:
    """Every difference in what is lawful, widening ones first. Empty only if the two mean the same."""
    found = [
        *_lists(_TYPES, _by_id(old.types), _by_id(new.types), _any_change(_TYPES)),
        *_lists(_ITEMS, _by_id(old.items), _by_id(new.items), _any_change(_ITEMS)),
        *_lists(_PROCEDURES, _by_id(old.procedures), _by_id(new.procedures), _any_change(_PROCEDURES)),
        *_lists(_ROWS, _by_id(old.rows), _by_id(new.rows), _row_change),
        *_lists(_PARTIES, _parties(old), _parties(new), _party_change, keep=_is_guard, detail=_newcomer),
        *_lists(_ASSESSMENTS, _by_id(old.assessments), _by_id(new.assessments), _assessment_change),
        *_lists(_GROUNDS, _by_id(old.grounds), _by_id(new.grounds), _ground_change, keep=_is_protective),
        *_lists(_SEALINGS, _by_id(old.sealings), _by_id(new.sealings), _sealing_change),
        *_lists(_CLIENTS, _by_id(old.clients), _by_id(new.clients), _client_change),
        *_suspensions(old, new),
        *_waiting(old, new),
    ]
    return sorted(found, key=lambda change: (not change.widens, change.what, change.name))


def widenings(old: Gazette, new: Gazette) -> list[Change]:
    """Those changes that need both signatures and the waiting time."""
    return [change for change in describe(old, new) if change.widens]


N = TypeVar("N", bound=_Named)


def _by_id(entries: tuple[N, ...]) -> dict[str, N]:
    return {entry.id: entry for entry in entries}


def _parties(gazette: Gazette) -> dict[str, Party]:
    return {party.name: party for party in gazette.parties}


def _is_guard(party: Party) -> bool:
    return not set(party.roles) <= ORDINARY


def _is_protective(ground: Ground) -> bool:
    return ground.protective


def _never(entry: object) -> bool:
    return False


def _plain(entry: object) -> tuple[str, str]:
    return "", ""


def _newcomer(entry: Party) -> tuple[str, str]:
    """Everything about a new party, its keys by a digest: whoever signs for a name signs for whose it is."""
    keys = digest("party-keys", entry.signing_key, entry.seal_key).hex()[:16]
    domains = ", ".join(
        f"{each.name} (provides {' '.join(each.provides) or '-'}; asks {' '.join(each.asks) or '-'})"
        for each in entry.domains
    )
    kinds = f"{' '.join(entry.roles)}; {' '.join(entry.types) or '-'}"
    said = f"{entry.ja} / {entry.en}, {entry.number}; {kinds}; {domains or '-'}; {keys}"
    return f"({said})", f" ({said})"


def _lists(
    words: _Words,
    old: Mapping[str, E],
    new: Mapping[str, E],
    changed: Judge[E],
    keep: Callable[[E], bool] = _never,
    detail: Callable[[E], tuple[str, str]] = _plain,
) -> Iterator[Change]:
    """`keep` says which entries may not be taken away by a narrowing, `detail` what is said of a new one."""
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield _gone(words, name, widens=keep(old[name]))
        elif name not in old:
            yield _added(words, name, detail(new[name]))
        elif old[name] != new[name]:
            yield from changed(old[name], new[name])


def _added(words: _Words, name: str, detail: tuple[str, str] = ("", "")) -> Change:
    return Change(
        True,
        words.what,
        name,
        f"{words.ja}「{name}」を新たに加える{detail[0]}。",
        f"Adds the {words.en} {name}{detail[1]}.",
    )


def _gone(words: _Words, name: str, *, widens: bool = False) -> Change:
    ja, en = f"{words.ja}「{name}」を削る。", f"Strikes the {words.en} {name}."
    return Change(widens, words.what, name, ja, en)


def _altered(words: _Words, name: str, field: str, *, widens: bool = True) -> Change:
    ja = f"{words.ja}「{name}」の {field} を改める。"
    return Change(widens, words.what, name, ja, f"Alters {field} of the {words.en} {name}.")


def _fields(old: msgspec.Struct, new: msgspec.Struct) -> list[str]:
    names = old.__struct_fields__
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _any_change(words: _Words) -> Judge[N]:
    def changed(old: N, new: N) -> Iterator[Change]:
        for field in old.__struct_fields__:  # type: ignore[attr-defined]
            if getattr(old, field) != getattr(new, field):
                yield _altered(words, old.id, field)

    return changed


def _row_change(old: Row, new: Row) -> Iterator[Change]:
    for field in _fields(old, new):
        if field == "start":
            before, after = day(old.start), day(new.start)
            yield Change(
                new.start < old.start,
                _ROWS.what,
                old.id,
                f"連携の行「{old.id}」の開始日を {before} から {after} に改める。",
                f"Moves the start of row {old.id} from {before} to {after}.",
            )
        else:
            yield _altered(_ROWS, old.id, field)


def _set_change(
    words: _Words, name: str, field: str, old: tuple[str, ...], new: tuple[str, ...], *, keep: bool = False
) -> Iterator[Change]:
    for entry in sorted(set(new) - set(old)):
        ja, en = (
            f"{words.ja}「{name}」の {field} に「{entry}」を加える。",
            f"Adds {entry} to {field} of {name}.",
        )
        yield Change(True, words.what, name, ja, en)
    for entry in sorted(set(old) - set(new)):
        ja, en = (
            f"{words.ja}「{name}」の {field} から「{entry}」を削る。",
            f"Takes {entry} from {field} of {name}.",
        )
        yield Change(keep, words.what, name, ja, en)


def _party_change(old: Party, new: Party) -> Iterator[Change]:
    guard = _is_guard(old) or _is_guard(new)
    for field in _fields(old, new):
        if field in ("roles", "types"):
            yield from _set_change(
                _PARTIES, old.name, field, getattr(old, field), getattr(new, field), keep=guard
            )
        elif field == "domains":
            before, after = ({domain.name: domain for domain in party.domains} for party in (old, new))
            keep = _always if guard else _never
            yield from _lists(_DOMAINS, before, after, _domain_change, keep=keep)
        else:
            yield _altered(_PARTIES, old.name, field)


def _always(entry: object) -> bool:
    return True


def _domain_change(old: Domain, new: Domain) -> Iterator[Change]:
    yield from _set_change(_DOMAINS, old.name, "provides", old.provides, new.provides)
    yield from _set_change(_DOMAINS, old.name, "asks", old.asks, new.asks)
    if old.epoch != new.epoch:
        yield _altered(_DOMAINS, old.name, "epoch")


def _assessment_change(old: Assessment, new: Assessment) -> Iterator[Change]:
    for field in _fields(old, new):
        if field == "review":
            before, after = day(old.review), day(new.review)
            yield Change(
                new.review > old.review,
                _ASSESSMENTS.what,
                old.id,
                f"保護評価「{old.id}」の期限を {before} から {after} に改める。",
                f"Moves the review of assessment {old.id} from {before} to {after}.",
            )
        elif field == "withdrawn" and new.withdrawn:
            ja, en = f"保護評価「{old.id}」を取り下げる。", f"Withdraws assessment {old.id}."
            yield Change(False, _ASSESSMENTS.what, old.id, ja, en)
        else:
            yield _altered(_ASSESSMENTS, old.id, field)


def _ground_change(old: Ground, new: Ground) -> Iterator[Change]:
    keep = old.protective or new.protective
    for field in _fields(old, new):
        if field in ("requesters", "providers"):
            yield from _set_change(
                _GROUNDS, old.id, field, getattr(old, field), getattr(new, field), keep=keep
            )
        else:
            yield _altered(_GROUNDS, old.id, field)


def _sealing_change(old: Sealing, new: Sealing) -> Iterator[Change]:
    for field in _fields(old, new):
        if field == "days":
            yield Change(
                new.days > old.days,
                _SEALINGS.what,
                old.id,
                f"封印の許可「{old.id}」の上限を {old.days} 日から {new.days} 日に改める。",
                f"Alters how long row {old.id} may be sealed from {old.days} to {new.days} days.",
            )
        else:
            yield _altered(_SEALINGS, old.id, field)


def _client_change(old: Client, new: Client) -> Iterator[Change]:
    for field in _fields(old, new):
        if field in ("redirects", "scopes"):
            yield from _set_change(_CLIENTS, old.id, field, getattr(old, field), getattr(new, field))
        else:
            yield _altered(_CLIENTS, old.id, field)


def _suspensions(old: Gazette, new: Gazette) -> Iterator[Change]:
    before, after = ({(s.subject, s.name): s for s in gazette.suspensions} for gazette in (old, new))
    protected = {(Subject.GROUND, ground.id) for ground in old.grounds if ground.protective}
    for key in sorted(after.keys() - before.keys()):
        yield _suspension(after[key], "を停止する", "Suspends", widens=key in protected)
    for key in sorted(before.keys() - after.keys()):
        # What is struck in the same version needs no suspension any more.
        stands = key[1] in suspendable(new)[key[0]]
        yield _suspension(before[key], "の停止を解く", "Lifts the suspension of", widens=stands)
    for key in sorted(before.keys() & after.keys()):
        if before[key].reason != after[key].reason:
            yield _suspension(
                after[key], "の停止の理由を改める", "Alters the reason for suspending", widens=True
            )
        if before[key].until != after[key].until:
            yield _until(before[key], after[key], key in protected)


_SUBJECTS = {
    Subject.EVERYTHING: ("すべての連携", "every exchange"),
    Subject.PARTY: ("機関", "party"),
    Subject.DOMAIN: ("業務分野", "domain"),
    Subject.PROCEDURE: ("事務手続", "procedure"),
    Subject.ROW: ("連携の行", "row"),
    Subject.GROUND: ("制度上の根拠", "ground"),
}


def _suspension(entry: Suspension, ja: str, en: str, *, widens: bool) -> Change:
    subject_ja, subject_en = _SUBJECTS[entry.subject]
    name_ja, name_en = (f"「{entry.name}」", f" {entry.name}") if entry.name else ("", "")
    reason_ja, reason_en = (f"(理由: {entry.reason})", f" ({entry.reason})") if entry.reason else ("", "")
    until_ja, until_en = (f"({_end(entry)[0]})", f", {_end(entry)[1]}") if entry.until else ("", "")
    return Change(
        widens,
        _SUSPENSIONS.what,
        f"{entry.subject.value}:{entry.name}",
        f"{subject_ja}{name_ja}{ja}{until_ja}{reason_ja}。",
        f"{en} {subject_en}{name_en}{until_en}{reason_en}.",
    )


def _end(entry: Suspension) -> tuple[str, str]:
    if not entry.until:
        return "終わりを定めない", "without an end"
    return f"{day(entry.until)} まで", f"until {day(entry.until)}"


def _until(old: Suspension, new: Suspension, protected: bool) -> Change:
    """A later end is narrowing, an earlier one lifts a part of it."""
    longer = not new.until or bool(old.until and new.until > old.until)
    (was_ja, was_en), (is_ja, is_en) = _end(old), _end(new)
    return _suspension(
        msgspec.structs.replace(new, reason="", until=0),
        f"の停止の期限を改める({was_ja} → {is_ja})",
        f"Alters the end ({was_en}, now {is_en}) of suspending",
        widens=protected or not longer,
    )


def _waiting(old: Gazette, new: Gazette) -> Iterator[Change]:
    if old.waiting_ms != new.waiting_ms:
        before, after = timedelta(milliseconds=old.waiting_ms), timedelta(milliseconds=new.waiting_ms)
        yield Change(
            new.waiting_ms < old.waiting_ms,
            "waiting",
            "waiting_ms",
            f"拡大の待機期間を {before} から {after} に改める。",
            f"Alters the waiting time of widenings from {before} to {after}.",
        )
