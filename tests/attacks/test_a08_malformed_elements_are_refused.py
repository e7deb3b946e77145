"""A8: what is not the one canonical form of an element other than the identity is refused at every call that takes
points, and proofs with scalars out of range at every call that takes proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import msgspec
import pytest

from attacks.insider import (
    MAILBOXES,
    ORDER,
    Tamper,
    filings,
    office_of,
    rewritten,
    scalar,
    taken_over,
    tampering,
)
from kakine.contracts import converter, mailbox
from kakine.contracts.converter import (
    Check,
    Checked,
    Convert,
    Dispute,
    Join,
    Joined,
    Rekey,
    WindowCheck,
    WindowStep,
)
from kakine.country import CONVERTERS, KEEPERS
from kakine.crypto.group import Scalar, group
from kakine.parties.converter import audit
from kakine.parties.converter import keys as converter_keys
from kakine.parties.converter.rekey import rekey_digest
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, PointInvalid, Problem, ProofInvalid
from kakine.wire.request import Mode, public_digest, request_digest
from road import recorded

import land as land_module
from land import CHILDREN, TAX, Land, pack

VALID = group.hash_to_group(b"a valid element")
FIELD = 2**255 - 19

WRONG = {
    "identity": bytes(32),
    "non-canonical": (FIELD + 2).to_bytes(32, "little"),
    "negative": (1).to_bytes(32, "little"),
    "non-square": (2).to_bytes(32, "little"),
    "all ones": b"\xff" * 32,
    "bit 255": VALID[:31] + bytes([VALID[31] | 0x80]),
}
LENGTHS = {"31 bytes": VALID[:31], "33 bytes": VALID + b"\0", "none": b""}

every_wrong_point = pytest.mark.parametrize("point", WRONG.values(), ids=WRONG.keys())
every_wrong_length = pytest.mark.parametrize("point", LENGTHS.values(), ids=LENGTHS.keys())


def ask(land: Land, blinded: bytes, mode: Mode = Mode.S0) -> None:
    """A's own request with this for Q, rightly hashed and signed."""
    requester = land.requester()
    plain = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)], mode)))
    land.run(requester.convert(rewritten(land, plain, blinded=blinded)))


@every_wrong_point
@pytest.mark.parametrize("mode", [Mode.S0, Mode.S1])
def test_the_first_converter_refuses_a_wrong_q(shared_land: Land, point: bytes, mode: Mode) -> None:
    """A8: nothing is computed from it, written down, passed on or filed."""
    before = filings(shared_land)
    with recorded() as passages, pytest.raises(PointInvalid):
        ask(shared_land, point, mode)
    assert [passage.to for passage in passages] == [CONVERTERS[0]]
    assert filings(shared_land) == before


@every_wrong_length
def test_the_first_converter_refuses_a_q_of_another_length(shared_land: Land, point: bytes) -> None:
    """A8: the vector has 32 bytes for each of the people the header counts."""
    with pytest.raises(BatchMalformed):
        ask(shared_land, point)


@every_wrong_point
def test_a_wrong_point_among_good_ones_is_found(shared_land: Land, point: bytes) -> None:
    """A8: the check is of each item, not of the first."""
    requester = shared_land.requester()
    codes = [shared_land.code(CHILDREN, j) for j in (0, 1)]
    plain = shared_land.run(requester.prepare(shared_land.wish(codes)))
    with pytest.raises(PointInvalid):
        shared_land.run(requester.convert(rewritten(shared_land, plain, blinded=plain.blinded[:32] + point)))


LEGS = {"record a": 0, "record b": 1, "recipient": 2}
RECORDS = {"record a": 0, "record b": 1}

every_leg = pytest.mark.parametrize("leg", LEGS.values(), ids=LEGS.keys())
every_record_leg = pytest.mark.parametrize("leg", RECORDS.values(), ids=RECORDS.keys())


def with_one(values: Sequence[bytes], leg: int, value: bytes) -> list[bytes]:
    """These, with another one at this leg."""
    return [value if at == leg else own for at, own in enumerate(values)]


def puts_out(point: bytes, leg: int) -> Tamper:
    """A converter that puts this out on one leg."""

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        return with_one(onward.legs, leg, point)

    return tamper


@every_wrong_point
@every_leg
@pytest.mark.parametrize("position", [1, 2])
def test_the_next_converter_refuses_what_the_one_before_put_out(
    shared_land: Land, position: int, leg: int, point: bytes
) -> None:
    """A8: on every leg, though the hop record of the one before is rightly signed over the wrong point."""
    with tampering(shared_land, position, puts_out(point, leg)), pytest.raises(PointInvalid):
        ask(shared_land, VALID)


@every_wrong_point
@every_record_leg
def test_the_record_keeper_refuses_what_the_last_converter_put_out(
    shared_land: Land, leg: int, point: bytes
) -> None:
    """A8: the last hop has no next one; each record keeper looks itself."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    with tampering(shared_land, 3, puts_out(point, leg)), pytest.raises(PointInvalid):
        shared_land.run(requester.convert(prepared))


@every_wrong_length
@every_leg
@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_leg_of_another_length_is_refused_by_whoever_comes_next(
    shared_land: Land, position: int, leg: int, point: bytes
) -> None:
    """A8: on every leg."""
    with tampering(shared_land, position, puts_out(point, leg)), pytest.raises(BatchMalformed):
        ask(shared_land, VALID)


@every_wrong_point
def test_the_recipient_refuses_a_wrong_point(shared_land: Land, point: bytes) -> None:
    """A8, mode S0: the recipient's leg is closed to the record keeper, so the recipient is the first to see it."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    with tampering(shared_land, 3, puts_out(point, 2)):
        converted = shared_land.run(requester.convert(prepared))
    released = shared_land.run(requester.release(prepared, converted))
    with pytest.raises(PointInvalid):
        shared_land.run(requester.deliver(prepared, converted, released))


def s1_request(land: Land) -> tuple[bytes, bytes]:
    """(hR, Q) of a request that may be checked and has not been: the record keeper was kept from it."""

    async def silent(caller: PartyName, message: Check) -> Checked:
        raise BatchMalformed()

    requester = land.requester()
    prepared = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)], Mode.S1)))
    with taken_over(land, "converter-1", converter.CHECK, silent), pytest.raises(BatchMalformed):
        land.run(requester.convert(prepared))
    return request_digest(public_digest(prepared.public), prepared.record), prepared.blinded


@every_wrong_point
@every_leg
def test_the_check_refuses_a_wrong_combination(shared_land: Land, leg: int, point: bytes) -> None:
    """A8: the record keeper asks a converter for a proof about it."""
    request, blinded = s1_request(shared_land)
    points = with_one([VALID] * 3, leg, point)
    keeper = shared_land.country.peers(MAILBOXES[0])
    with pytest.raises(PointInvalid):
        shared_land.run(
            keeper.ask(CONVERTERS[1], converter.CHECK, Check(request, points, bytes(32), blinded))
        )


@every_wrong_point
def test_the_window_check_refuses_a_wrong_q(shared_land: Land, point: bytes) -> None:
    """A8: the auditor names no point of a combination, only the Q that each converter has the digest of."""
    shared_land.run(shared_land.ask(0, mode=Mode.S0_PLUS))
    auditor = shared_land.country.peers("commission")
    seen = shared_land.run(auditor.ask(CONVERTERS[0], converter.SEEN, converter.SeenSince(0))).rows[-1]
    asked = WindowCheck([seen.request], bytes(32), [point], [])
    with pytest.raises(BatchMalformed):
        shared_land.run(auditor.ask(CONVERTERS[0], converter.WINDOW, asked))


@every_wrong_point
@every_leg
def test_the_window_check_refuses_a_wrong_step(shared_land: Land, leg: int, point: bytes) -> None:
    """A8: what the hop before is said to have put out must be proved to come from the combination."""
    shared_land.run(shared_land.ask(0, mode=Mode.S0_PLUS))
    auditor = shared_land.country.peers("commission")
    seen = shared_land.run(auditor.ask(CONVERTERS[1], converter.SEEN, converter.SeenSince(0))).rows[-1]
    kept = shared_land.run(auditor.ask(KEEPERS[0].party, mailbox.VECTORS, mailbox.Vectors(0))).rows
    blinded = next(row.blinded for row in kept if row.request == seen.request)
    step = WindowStep([VALID] * 3, with_one([VALID] * 3, leg, point), [bytes(64)] * 3)
    asked = WindowCheck([seen.request], bytes(32), [blinded], [step])
    with pytest.raises(ProofInvalid):
        shared_land.run(auditor.ask(CONVERTERS[1], converter.WINDOW, asked))


@every_wrong_point
@every_leg
def test_a_dispute_takes_only_the_vectors_that_were_converted(
    shared_land: Land, leg: int, point: bytes
) -> None:
    """A8: the input of a dispute must have the digest in the hop record, so no other point gets in at all."""
    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)])))
    shared_land.run(requester.release(prepared, shared_land.run(requester.convert(prepared))))
    request = request_digest(public_digest(prepared.public), prepared.record)
    auditor = shared_land.country.peers("commission")
    asked = Dispute(request, 0, with_one([prepared.blinded] * 3, leg, point))
    with pytest.raises(BatchMalformed):
        shared_land.run(auditor.ask(CONVERTERS[0], converter.DISPUTE, asked))


@every_wrong_point
def test_a_domain_refuses_a_share_that_is_no_point(shared_land: Land, point: bytes) -> None:
    """A8: a converter answers a joining domain with it."""
    assert (
        joined_with(shared_land, lambda given: msgspec.structs.replace(given, public=point)) is ProofInvalid
    )


def scalars(proof: bytes) -> dict[str, bytes]:
    """A right proof (c, s) with scalars put out of range, among them the one that would still verify."""
    c, s = proof[:32], proof[32:]
    value = int.from_bytes(s, "little")
    return {
        "zero": c + bytes(32),
        "order": c + ORDER.to_bytes(32, "little"),
        "order + 5": c + (ORDER + 5).to_bytes(32, "little"),
        "2^255 + 5": c + (2**255 + 5).to_bytes(32, "little"),
        "s + order": c + (value + ORDER).to_bytes(32, "little"),
        "s with bit 255": c + (value | 1 << 255).to_bytes(32, "little"),
        "31 bytes": proof[:63],
        "33 bytes": proof + b"\0",
    }


every_wrong_scalar = pytest.mark.parametrize("which", list(scalars(bytes(64))))


def joined_with(land: Land, change: Callable[[Joined], Joined]) -> type[Problem] | None:
    """What the residents' desk of Sapporo says when converter 1 answers its joining like this."""
    office = office_of(land, 1)

    async def join(caller: PartyName, asked: Join) -> Joined:
        return change(await converter_keys.join(office, caller, asked))

    site = next(iter(land.country.gateways[PartyName("sapporo")].office.sites.values()))
    with taken_over(land, "converter-1", converter.JOIN, join):
        try:
            land.run(site.domain._key(CONVERTERS[0], 2))
        except Problem as problem:
            return type(problem)
    return None


@every_wrong_scalar
def test_a_domain_refuses_a_proof_out_of_range(shared_land: Land, which: str) -> None:
    """A8: proofs have one form, so that one who has seen a proof cannot show another."""

    def change(given: Joined) -> Joined:
        return msgspec.structs.replace(given, proof=scalars(given.proof)[which])

    assert joined_with(shared_land, change) is ProofInvalid


@every_wrong_scalar
@every_leg
def test_the_record_keeper_refuses_a_proof_out_of_range(shared_land: Land, leg: int, which: str) -> None:
    """A8: the same in the linear check, on every leg."""
    office = office_of(shared_land, 2)

    async def check(caller: PartyName, message: Check) -> Checked:
        given = await audit.check(office, caller, message)
        proofs = with_one(given.proofs, leg, scalars(given.proofs[leg])[which])
        return msgspec.structs.replace(given, proofs=proofs)

    requester = shared_land.requester()
    prepared = shared_land.run(requester.prepare(shared_land.wish([shared_land.code(CHILDREN, 0)], Mode.S1)))
    with taken_over(shared_land, "converter-2", converter.CHECK, check), pytest.raises(ProofInvalid):
        shared_land.run(requester.convert(prepared))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """A country whose tax office of Yokohama is in its second epoch; its shares of the first are put back by hand."""
    parties = [
        msgspec.structs.replace(
            entry,
            domain=[
                msgspec.structs.replace(each, epoch=2) if each.name == TAX else each for each in entry.domain
            ],
        )
        for entry in pack().parties
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(land_module, "_PACK", [replace(pack(), parties=parties)])
        land = Land(tmp_path_factory.mktemp("moving") / "land")
    for name in CONVERTERS:
        land.country.converters[name].office.shares[TAX, 1] = (scalar(3), bytes(32))
    yield land
    land.close()


@every_wrong_point
@pytest.mark.parametrize("among", [b"", VALID], ids=["alone", "after a good one"])
def test_a_move_to_the_next_epoch_refuses_a_wrong_point(moving: Land, among: bytes, point: bytes) -> None:
    """A8: a domain's own codes on their way to its next epoch; a good point passes."""

    def rekey(points: bytes) -> bytes:
        plain = Rekey(TAX, 1, moving.entropy(16), moving.clock(), points, b"")
        key = moving.country.identities[PartyName("yokohama")].signing
        message = msgspec.structs.replace(plain, signature=key.sign("rekey", *rekey_digest(plain)))
        road = moving.country.peers("yokohama")
        return moving.run(road.ask(CONVERTERS[0], converter.REKEY, message)).points

    assert len(rekey(VALID)) == 32
    with pytest.raises(PointInvalid):
        rekey(among + point)
