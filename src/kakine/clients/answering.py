"""Serve a delivered batch once: decide, write down, file the outcome, and only then give the answers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kakine.clients.recipient import Opened, Recipient
from kakine.contracts.gateway import Deliver, Delivered
from kakine.crypto.wrapping import WrapKey
from kakine.runtime import codebook
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock, Entropy
from kakine.values.codes import WrappedCode
from kakine.wire.answer import Answered, Answers, Result
from kakine.wire.canonical import decode, encode
from kakine.wire.request import PublicPart, public_digest, request_digest

Decide = Callable[[Connection, Opened, Sequence[WrappedCode], int], Sequence[Answered]]
"""(store, batch, wrapped codes, now in ms) -> answers in order; runs inside the commit that keeps them."""


async def serve(
    message: Deliver,
    recipient: Recipient,
    wrap: WrapKey,
    db: Database,
    clock: Clock,
    entropy: Entropy,
    permit: Callable[[Opened], None],
    decide: Decide,
    *,
    keep: bool = True,
) -> Delivered:
    """Answer one batch. A repeat of the same request gives the same outcome and the same answers (also after a crash
    between outcome and answer). `permit` raises where the recipient's own check of the law refuses.

    Without `keep` the answers never come to the disk, so that no failure leaves them there, and `decide` MUST NOT
    write; a repeat is decided anew, and where its outcome has been filed, refused.
    """
    request = request_digest(public_digest(message.public), message.record)
    known = codebook.answered(db.read(), request)
    opened = await recipient.open(message, again=known is not None)
    permit(opened)
    if known is None:
        domain = decode(message.public, PublicPart).recipient
        tokens = [wrap.wrap(opened.codes.code(j), domain) for j in range(opened.codes.size)]
        root, now_ms = entropy(32), clock()

        def decided(conn: Connection) -> bytes:
            return encode(Answers(root, now_ms, tuple(decide(conn, opened, tokens, now_ms))))

        def work(conn: Connection) -> bytes:
            before = codebook.answered(conn, request)
            return before or codebook.keep_incoming(conn, request, decided(conn), now_ms)

        known = await db.write(work) if keep else decided(db.read())
    outcome, sealed = recipient.outcome(opened, decode(known, Answers))
    return await recipient.conclude(outcome, sealed)


def issue(domain: str) -> Decide:
    """Keep issued codes under the local references that this domain gave. One person under two references is refused,
    and so is one reference for two people: a mix-up is seen, not stored."""

    def decide(db: Connection, opened: Opened, tokens: Sequence[WrappedCode], now_ms: int) -> list[Answered]:
        answers = []
        for person, token in zip(opened.payload.people, tokens, strict=True):
            by_token = codebook.reference_of(db, domain, token)
            by_reference = codebook.token_of(db, domain, person.detail)
            fits = (by_token, by_reference) in ((None, None), (person.detail, token))
            if fits and by_token is None:
                codebook.add_holding(db, domain, person.detail, token)
            answers.append(Answered(Result.DELIVERED if fits else Result.REFUSED, (), b""))
        return answers

    return decide


def migrate(domain: str, follow: Callable[[Connection, bytes, bytes], None]) -> Decide:
    """Replace old codes by new ones where the old one is known; `follow` moves what hangs on it. The answer is the same
    whether it was known or not, so the registry does not learn who knows whom."""

    def decide(db: Connection, opened: Opened, tokens: Sequence[WrappedCode], now_ms: int) -> list[Answered]:
        for j in range(0, len(tokens), 2):
            if codebook.replace_token(db, domain, tokens[j], tokens[j + 1]):
                follow(db, tokens[j], tokens[j + 1])
        return [Answered(Result.DELIVERED, (), b"")] * len(tokens)

    return decide
