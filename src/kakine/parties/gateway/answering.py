"""Answer: gate 2, the agency's own rules, outcome first, data second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from kakine.clients.answering import issue, migrate, serve
from kakine.clients.recipient import Opened
from kakine.contracts.gateway import Deliver, Delivered
from kakine.parties.gateway import instructions, logins, own_data, store
from kakine.parties.gateway.office import Office
from kakine.runtime.database import Connection
from kakine.values.codes import WrappedCode
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import AnswerNotAllowed, CallerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import decode, plain
from kakine.wire.request import Kind, PublicPart

STALE_MS = 400 * 86_400_000
"""A copy older than this is not given out: yearly data must have been renewed (facts of the real 副本: nightly)."""

_json = msgspec.json.Encoder(enc_hook=plain)


class _Given(msgspec.Struct):
    """One item of an answer, with where it comes from and how old it is."""

    layout: int
    source: str
    source_version: int
    as_of_ms: int
    expires_ms: int
    data: msgspec.Raw


async def deliver(office: Office, caller: PartyName, message: Deliver) -> Delivered:
    """Serve one batch, after gate 2 and this gateway's own look at the gazette."""
    domain = decode(message.public, PublicPart).recipient
    site = office.site(domain)
    return await serve(
        message,
        office.recipient(domain),
        site.wrap,
        office.db,
        office.clock,
        office.entropy,
        partial(_permit, office, caller),
        partial(_decide, office, site.name),
    )


def _permit(office: Office, caller: PartyName, opened: Opened) -> None:
    """The gazette again, with this gateway's own copy of it."""
    public, kind, now_ms = opened.public, opened.record.kind, office.clock()
    law = office.law.in_force(now_ms)
    if DomainName(public.requester).party != caller:
        raise CallerNotAllowed(call="deliver")
    if kind is Kind.EXCHANGE:
        law.permit(public.requester, public.recipient, public.ground, public.rows, now_ms)
        law.permit_seal(public.rows, opened.record.count, public.time_ms, public.sealed_until)
        if set(opened.payload.items) != set(law.items(public.rows)):
            raise AnswerNotAllowed(what="items")
    elif kind is Kind.LOGIN:
        logins.permit(law, opened, now_ms)
    elif kind is Kind.OWN_DATA:
        own_data.permit(law, opened, now_ms)
    elif kind is Kind.INSTRUCT:
        instructions.permit(law, opened, now_ms)
    elif kind in (Kind.ISSUE, Kind.MIGRATE) and public.ground == kind.name:
        law.permit_ground(public.ground, public.requester, public.recipient, now_ms)
    else:
        raise AnswerNotAllowed(what="kind")


def _decide(
    office: Office,
    domain: str,
    db: Connection,
    opened: Opened,
    tokens: Sequence[WrappedCode],
    now_ms: int,
) -> Sequence[Answered]:
    kind = opened.record.kind
    if kind is Kind.OWN_DATA:
        law = office.law.in_force(now_ms)
        return [own_data.follow(db, law, opened, token) for token in tokens]
    if kind is Kind.LOGIN:
        return [logins.known_as(office, db, domain, token) for token in tokens]
    if kind is Kind.INSTRUCT:
        return [instructions.follow(db, domain, opened, token, now_ms) for token in tokens]
    if kind is Kind.ISSUE:
        return issue(domain)(db, opened, tokens, now_ms)
    if kind is Kind.MIGRATE:
        return migrate(domain, partial(store.move_person, domain=domain))(db, opened, tokens, now_ms)
    choice = office.law.in_force(now_ms).choice(opened.public.rows)
    people = [_withheld(person, choice) for person in store.find_people(db, domain, tokens)]
    open_ = [token for token, withheld in zip(tokens, people, strict=True) if withheld is None]
    copies = store.all_copies(db, domain, open_)
    return [
        _answer(copies[token], domain, opened.payload.items, now_ms)
        if withheld is None
        else Answered(withheld, (), b"")
        for token, withheld in zip(tokens, people, strict=True)
    ]


def _withheld(person: store.Flags | None, choice: bool) -> Result | None:
    """Why no copy of this person is even read. Where there was a `choice` of providers, one that protects somebody
    looks like all those that do not know them, so that asking them all finds no place. Its own people see the flag."""
    if person is None:
        return Result.NOT_KNOWN
    if person.non_disclosed:
        return Result.NOT_KNOWN if choice else Result.NON_DISCLOSED
    return Result.NEEDS_HUMAN if person.needs_human else None


def _answer(copies: Mapping[str, store.Copy], domain: str, items: tuple[str, ...], now_ms: int) -> Answered:
    fresh = {i: c for i in items if (c := copies.get(i)) and not _aged(c, now_ms)}
    if not fresh:
        aged = [_aged(c, now_ms) for i in items if (c := copies.get(i))]
        return Answered(next((a for a in aged if a), Result.NOT_KNOWN), (), b"")
    result = Result.DELIVERED if len(fresh) == len(items) else Result.PARTIAL
    given = {
        item: _Given(c.layout, domain, c.source_version, c.as_of_ms, c.expires_ms, msgspec.Raw(c.data))
        for item, c in fresh.items()
    }
    return Answered(result, tuple(sorted(given)), _json.encode(given))


def _aged(copy: store.Copy, now_ms: int) -> Result | None:
    if copy.expires_ms <= now_ms:
        return Result.EXPIRED
    return Result.STALE if now_ms - copy.as_of_ms > STALE_MS else None
