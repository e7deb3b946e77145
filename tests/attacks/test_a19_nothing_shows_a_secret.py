"""A19: no point, code, blinding, seed, key or personal reference in a log line, a problem, or an exception's text."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pytest

from attacks.insider import (
    MAILBOXES,
    mailbox,
    mask_keys,
    office_of,
    rewritten,
    scalar,
    taken_over,
    tampering,
)
from kakine.contracts import converter
from kakine.contracts.converter import Convert
from kakine.contracts.gateway import DELIVER
from kakine.crypto.group import Scalar, group
from kakine.crypto.sealing import OpenKey
from kakine.parties.converter.keys import share_of, withhold
from kakine.protocols.chain import blind_share, release_value
from kakine.values.labels import HASH, PartyName
from kakine.values.problems import Problem
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.request import Mode, Payload, RecordPart, public_digest, request_digest
from road import recorded

from land import CHILDREN, TAX, Land, person


def forms(secret: bytes) -> Iterator[bytes]:
    """How a secret could stand in a text: raw, hexadecimal, base64, as Python shows bytes, as a number."""
    for part in (secret, secret[:12]):
        if len(set(part)) >= 6:  # not the all-equal bytes of malformed points
            yield part
            yield part.hex().encode()
            yield part.hex().upper().encode()
            yield base64.b64encode(part).rstrip(b"=")[: len(part)]
            yield base64.urlsafe_b64encode(part).rstrip(b"=")[: len(part)]
            yield repr(part)[2:-1].encode()
            yield str(int.from_bytes(part, "little")).encode()


def standing_secrets(land: Land) -> list[bytes]:
    """What the country holds before anybody asks."""
    found = [land.code(domain, j) for domain in (CHILDREN, TAX) for j in range(3)]
    found += [person(j) for j in range(3)]
    found += (
        mask_keys(land)
        + mask_keys(land, TAX)
        + [key for name in MAILBOXES for key in mailbox(land, name).mask_keys]
    )
    for i in (1, 2, 3):
        office = office_of(land, i)
        found += [office.release_key, office.nonce_key, office.identity.secret]
        found += [bytes(share) for (domain, _), (share, _) in office.shares.items() if domain != HASH]
    found += [own.secret for own in land.country.identities.values()]
    return [bytes(each) for each in found]


def request_secrets(land: Land, prepared: Prepared) -> list[bytes]:
    """What belongs to one request."""
    payload, batch = decode(prepared.payload, Payload), decode(prepared.record, RecordPart).batch
    request = request_digest(public_digest(prepared.public), prepared.record)
    found = [payload.seed, payload.root, payload.answer_key, prepared.blinded[:32]]
    found += [bytes(blind_share(key, batch)) for key in mask_keys(land)]
    found += [release_value(office_of(land, i).release_key, request) for i in (1, 2, 3)]
    return found


def other_legs(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
    """A converter that puts out something else."""
    return [group.hash_to_group(mark) for mark in (b"x", b"y", b"z")]


def refusals(land: Land, seen: list[bytes]) -> Iterator[Callable[[], Awaitable[object]]]:
    """Calls that are refused, one by one; what they hold goes to `seen`."""
    requester, code = land.requester(), land.code(CHILDREN, 0)

    def prepared(codes: list[bytes], mode: Mode = Mode.S0, **changed: object) -> Prepared:
        made = land.run(requester.prepare(land.wish(codes, mode)))
        made = rewritten(land, made, **changed) if changed else made  # type: ignore[arg-type]
        seen.extend(request_secrets(land, made))
        return made

    for codes in (
        [group.mul(scalar(9), code)],
        [group.add(code, land.code(CHILDREN, 1))],
        [land.code(TAX, 0)],
    ):
        yield lambda codes=codes: requester.convert(prepared(codes))  # type: ignore[misc]
    for points in (bytes(32), b"\xff" * 32, code[:31], bytes(code) + b"\0"):
        bad = prepared([code], blinded=points)
        yield lambda bad=bad: requester.convert(bad)  # type: ignore[misc]
    for changed in (
        {"keeper_seed": b"\x11" * 32},
        {"public": {"rows": ("JO81.1",)}},
        {"public": {"requester_epoch": 7}},
        {"signer": "sapporo"},
        {"record": {"batch": bytes(16)}},
    ):
        bad = prepared([code], **changed)  # type: ignore[arg-type]
        yield lambda bad=bad: requester.convert(bad)  # type: ignore[misc]
    good = prepared([code])
    converted = land.run(requester.convert(good))
    other = prepared([land.code(CHILDREN, 1)])
    yield lambda: requester.release(other, converted)
    forged = msgspec.structs.replace(converted, recipient_leg=group.hash_to_group(b"z"))
    released = land.run(requester.release(good, converted))
    message = requester.delivery(good, forged, released)
    peers = land.country.peers("yokohama")
    yield lambda: peers.ask(PartyName("yokohama"), DELIVER, message)
    short = requester.delivery(good, converted, [released[0], released[2], released[1]])
    yield lambda: peers.ask(PartyName("yokohama"), DELIVER, short)
    yield lambda: land.country.registry.codes.issue(CHILDREN, [(person(99), b"no such person")])
    yield lambda: land.country.registry.codes.enrol([])
    yield lambda: land.country.portal.read_history(b"no such account", OpenKey(land.entropy(32)).public)
    yield lambda: land.ask(77)
    for mode in (Mode.S0, Mode.S1):
        bad = prepared([code], mode)
        with tampering(land, 2, other_legs):
            yield lambda bad=bad: requester.convert(bad)  # type: ignore[misc]


def texts_of(fault: BaseException) -> list[bytes]:
    """All that an operator could see of it."""
    whole = "".join(traceback.format_exception(fault))
    facts = repr(getattr(fault, "facts", {}))
    return [text.encode() for text in (str(fault), repr(fault), facts, repr(fault.args), whole)]


def leaks(texts: list[bytes], secrets: list[bytes]) -> list[bytes]:
    """The forms of secrets that stand in a text."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return sorted({form for text in texts for form in wanted if form in text})


def driven(land: Land, caplog: pytest.LogCaptureFixture) -> tuple[list[bytes], list[bytes], int]:
    """(texts, secrets, refusals) of everything above."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.INFO)
    secrets, texts, count = standing_secrets(land), [], 0
    with recorded() as passages:
        for call in refusals(land, secrets):
            with pytest.raises(Problem) as raised:
                land.run(call())
            texts += texts_of(raised.value)
            count += 1
    texts += [passage.answer for passage in passages if passage.status != 200]
    texts += [repr(vars(record)).encode() for record in caplog.records]
    return texts, secrets, count


def test_refusals_show_no_secret(shared_land: Land, caplog: pytest.LogCaptureFixture) -> None:
    """A19: some twenty kinds of refusals, seen as an operator, a caller and the road see them."""
    texts, secrets, count = driven(shared_land, caplog)
    assert count >= 20
    assert leaks(texts, secrets) == []


def test_the_search_would_find_a_secret(shared_land: Land) -> None:
    """A19: a code in an exception's text is found in each of its forms, so an empty result means something."""
    code = bytes(shared_land.code(CHILDREN, 0))
    secrets = standing_secrets(shared_land)
    shown = [
        code.hex(),
        base64.b64encode(code).decode(),
        repr(code),
        repr({"point": [code.hex()[:24]]}),
    ]
    for text in shown:
        assert leaks(texts_of(ValueError(text)), secrets)


def test_a_fault_of_the_machine_shows_no_secret(shared_land: Land, caplog: pytest.LogCaptureFixture) -> None:
    """A19: a library that puts values into its message fails inside a converter; caller and log get the class only."""
    caplog.set_level(logging.DEBUG)
    code = bytes(shared_land.code(CHILDREN, 0))

    async def fails(caller: PartyName, message: Convert) -> None:
        raise ValueError(f"bad point {code.hex()}")

    with (
        taken_over(shared_land, "converter-1", converter.CONVERT, fails),
        recorded() as passages,
        pytest.raises(Problem, match="internal-fault") as raised,
    ):
        shared_land.run(shared_land.ask(0))
    texts = texts_of(raised.value) + [passage.answer for passage in passages if passage.status != 200]
    texts += [repr(vars(record)).encode() for record in caplog.records if record.name == "kakine"]
    assert any(record.name == "kakine" for record in caplog.records)
    assert leaks(texts, [code]) == []


def test_what_holds_secrets_does_not_show_them(shared_land: Land) -> None:
    """A19: `repr` of codes, scalars, keys and identities, as a debugger or a log line would use it."""
    office = office_of(shared_land, 1)
    share, _ = share_of(office, CHILDREN, 1)
    holders = [shared_land.code(CHILDREN, 0), share, office.identity, office.identity.signing]
    texts = [form.encode() for holder in holders for form in (repr(holder), str(holder), f"{holder}")]
    assert leaks(texts, standing_secrets(shared_land)) == []


def test_a_withheld_link_names_organisations_only(land: Land) -> None:
    """A19: the facts of a refusal by an operator."""
    land.run(withhold(office_of(land, 2), CHILDREN, TAX))
    with pytest.raises(Problem) as raised:
        land.run(land.ask(0))
    assert set(raised.value.facts) <= {"requester", "recipient", "position"}
    assert leaks(texts_of(raised.value), standing_secrets(land)) == []
