"""A13, A14: a dispute names the converter at fault from its own signatures; two different answers to one request are
evidence by themselves; a commitment to another factor is caught."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from attacks.insider import office_of, scalar, taken_over, tampering
from attacks.test_a03_legs_belong_to_one_person import RECORD, swap
from attacks.test_a03_s0plus_windows_find_what_singles_hide import auditor_of
from kakine.clients.exchange import as_convert
from kakine.contracts import converter, mailbox
from kakine.contracts.converter import Convert, Converted, Dispute, Explained, Hop, LinkAsked, LinkPublished
from kakine.country import CONVERTERS
from kakine.crypto.group import Scalar, group, random_scalar, scalar_inv, scalar_mul
from kakine.crypto.proofs import prove_equal
from kakine.parties.commission.audit import Auditor
from kakine.parties.converter import audit as honest
from kakine.parties.converter import hop as honest_hop
from kakine.parties.converter import keys as honest_keys
from kakine.protocols.audit import (
    KEEPER,
    RECIPIENT,
    Account,
    Link,
    check_account,
    check_link,
    dispute_context,
    equivocation,
    explained_item,
    signed_hop,
)
from kakine.protocols.linear_check import GENERATOR
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    GroundUnfit,
    HopAtFault,
    LinkMismatch,
    NotEvidence,
    ProofInvalid,
    SignatureInvalid,
)
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.request import HopRecord, Mode, points_digest

from land import CHILDREN, TAX, Land

World = tuple[Land, Auditor]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Land.founded(
        tmp_path_factory.mktemp("disputes") / "land", people=3, domains=(CHILDREN, TAX)
    ) as land:
        land.run(land.country.refresh())
        auditor = auditor_of(land)
        yield land, auditor
        auditor.close()


def asked_of(land: Land, mode: Mode = Mode.S0, people: tuple[int, ...] = (0, 1)) -> Prepared:
    codes = [land.code(CHILDREN, j) for j in people]
    return land.run(land.requester().prepare(land.wish(codes, mode)))


def recorded(land: Land, asked: Prepared) -> Converted:
    """Converted, filed and released: only then do converters explain themselves."""
    requester = land.requester()
    converted = land.run(requester.convert(asked))
    land.run(requester.release(asked, converted))
    return converted


def settled(world: World, asked: Prepared, item: int = 0) -> tuple[str, str]:
    land, auditor = world
    verdict = land.run(auditor.settle(asked.public, asked.record, asked.blinded, item))
    return verdict.party, verdict.fault


@pytest.mark.parametrize("mode", list(Mode))
def test_a_dispute_about_an_honest_exchange_finds_it_correct(world: World, mode: Mode) -> None:
    land, _ = world
    asked = asked_of(land, mode)
    recorded(land, asked)
    assert [settled(world, asked, item) for item in (0, 1)] == [("", ""), ("", "")]


def test_nothing_is_explained_before_it_is_recorded_and_released(world: World) -> None:
    """The explanation would open the recipient's code to requester and auditor: there is none without a record."""
    land, auditor = world
    asked = asked_of(land)
    land.run(land.requester().convert(asked))
    with pytest.raises(GroundUnfit):
        land.run(auditor.settle(asked.public, asked.record, asked.blinded, 0))


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_dispute_names_the_converter_that_swapped_a_leg(world: World, position: int) -> None:
    land, _ = world
    asked = asked_of(land)
    with tampering(land, position, swap(asked, RECORD)):
        recorded(land, asked)
    assert settled(world, asked) == (CONVERTERS[position - 1], "output")


def test_a_converter_cannot_explain_an_output_it_should_not_have_made(world: World) -> None:
    """It stands by the swapped output, signs for it, and proves what it likes: the proof does not hold."""
    land, _ = world
    asked, office = asked_of(land), office_of(land, 1)
    tamper = swap(asked, RECORD)
    legs: list[tuple[bytes, bytes]] = []

    def noted(message: Convert, made: object, onward: Convert) -> tuple[bytes, bytes]:
        legs.append(tamper(message, made, onward))  # type: ignore[arg-type]
        return legs[-1]

    with tampering(land, 1, noted):
        recorded(land, asked)

    async def explain(caller: PartyName, message: Dispute) -> Explained:
        told = await honest.explain(office, caller, message)
        false = msgspec.structs.replace(told, keeper_out=legs[0][1])
        place = slice(message.position * 32, message.position * 32 + 32)
        law = honest_keys.hop_keys(office, (CHILDREN, 1), (TAX, 1), ("mailbox/records", 1))
        start = group.mul(scalar(int.from_bytes(told.keeper_scalar, "little")), asked.blinded[place])
        bound = dispute_context(message.request, 1, KEEPER)
        wrong = prove_equal(
            law.keeper_share,
            GENERATOR,
            group.mul_base(law.keeper_share),
            start,
            legs[0][1][place],
            bound,
            office.nonce_key,
            office.entropy,
        )
        return signed(land, 1, message, msgspec.structs.replace(false, keeper_proof=wrong.encode()))

    with taken_over(land, CONVERTERS[0], converter.DISPUTE, explain):
        assert settled(world, asked) == (CONVERTERS[0], "proof")


def signed(land: Land, position: int, message: Dispute, told: Explained) -> Explained:
    parts = (
        told.recipient_out,
        told.keeper_out,
        told.recipient_scalar,
        told.keeper_scalar,
        told.recipient_proof,
        told.keeper_proof,
    )
    key = office_of(land, position).identity.signing
    signature = key.sign("explained", *explained_item(message.request, message.position), *parts)
    return msgspec.structs.replace(told, signature=signature)


def test_an_unsigned_explanation_and_a_refusal_are_faults(world: World) -> None:
    land, _ = world
    asked = asked_of(land)
    recorded(land, asked)

    async def unsigned(caller: PartyName, message: Dispute) -> Explained:
        told = await honest.explain(office_of(land, 2), caller, message)
        return msgspec.structs.replace(told, signature=bytes(64))

    async def silent(caller: PartyName, message: Dispute) -> Explained:
        raise BatchMalformed()

    for serve, what in ((unsigned, "signature"), (silent, "batch-malformed")):
        with taken_over(land, CONVERTERS[1], converter.DISPUTE, serve):
            assert settled(world, asked) == (CONVERTERS[1], what)


def test_another_scalar_than_the_committed_one_is_a_fault(world: World) -> None:
    """A14: the hop record commits to F; ν·T must be F, even where the proof itself holds."""
    land, _ = world
    asked = asked_of(land, Mode.S0_PLUS, (0,))
    office = office_of(land, 3)

    def doubled(message: Convert, made: object, onward: Convert) -> tuple[bytes, bytes]:
        return group.mul_each(scalar(2), onward.recipient_leg), onward.keeper_leg

    with tampering(land, 3, doubled):
        recorded(land, asked)

    async def explain(caller: PartyName, message: Dispute) -> Explained:
        told = await honest.explain(office, caller, message)
        keys = honest_keys.hop_keys(office, (CHILDREN, 1), (TAX, 1), ("mailbox/records", 1))
        assert keys.recipient_share is not None
        link = scalar_mul(keys.recipient_share, scalar_inv(keys.requester_share))
        twice = scalar_mul(Scalar(told.recipient_scalar), scalar(2))
        start = group.mul(twice, message.recipient_in)
        out = group.mul(link, start)
        bound = dispute_context(message.request, 3, RECIPIENT)
        proof = prove_equal(
            link, GENERATOR, group.mul_base(link), start, out, bound, office.nonce_key, office.entropy
        )
        return signed(
            land,
            3,
            message,
            msgspec.structs.replace(
                told, recipient_out=out, recipient_scalar=bytes(twice), recipient_proof=proof.encode()
            ),
        )

    with taken_over(land, CONVERTERS[2], converter.DISPUTE, explain):
        assert settled(world, asked) == (CONVERTERS[2], "commitment")


def test_a_link_with_other_shares_than_before_is_a_fault(world: World) -> None:
    """A converter may not show the auditor other V for one domain at different times."""
    land, _ = world
    asked = asked_of(land)
    recorded(land, asked)
    assert settled(world, asked) == ("", "")
    office = office_of(land, 2)

    async def link(caller: PartyName, message: LinkAsked) -> LinkPublished:
        other = random_scalar(land.entropy)
        before = office.shares[message.requester, message.requester_epoch]
        office.shares[message.requester, message.requester_epoch] = (other, before[1])
        try:
            return await honest_keys.link(office, caller, message)
        finally:
            office.shares[message.requester, message.requester_epoch] = before

    with taken_over(land, CONVERTERS[1], converter.LINK, link):
        assert settled(world, asked) == (CONVERTERS[1], "link")


def test_a_third_party_repeats_the_check_from_public_values(world: World) -> None:
    """No key and no secret of anybody: hop record, link and explanation, and the gazette's signing keys."""
    land, _ = world
    asked = asked_of(land, Mode.S0, (0,))
    hops = recorded(land, asked).hops
    peers = land.country.peers("commission")
    law = land.country.book("yokohama").in_force(land.clock())
    key, request = law.signing_key(CONVERTERS[0]), decode(hops[0].record, HopRecord).request
    told = land.run(
        peers.ask(CONVERTERS[0], converter.DISPUTE, Dispute(request, 0, asked.blinded, asked.blinded))
    )
    given = land.run(
        land.country.peers("sapporo").ask(CONVERTERS[0], converter.LINK, LinkAsked(CHILDREN, 1, TAX, 1))
    )
    link = Link(given.requester_public, given.recipient_public, given.link, given.proof, given.signature)
    check_link(link, (CHILDREN, 1), (TAX, 1), 1, key)
    hop = signed_hop(hops[0].record, hops[0].signature, key, request, 1)
    good = Account(told.recipient_out, told.recipient_scalar, told.recipient_proof)
    check_account(hop, RECIPIENT, link.link, asked.blinded, 0, good)
    for wrong, what in (
        (Account(told.keeper_out, told.recipient_scalar, told.recipient_proof), "output"),
        (Account(told.recipient_out, told.keeper_scalar, told.recipient_proof), "proof"),
        (Account(told.recipient_out, told.recipient_scalar, told.keeper_proof), "proof"),
    ):
        with pytest.raises(HopAtFault) as fault:
            check_account(hop, RECIPIENT, link.link, asked.blinded, 0, wrong)
        assert fault.value.facts["what"] == what
    for ends in (((TAX, 1), (CHILDREN, 1)), ((CHILDREN, 2), (TAX, 1)), ((CHILDREN, 1), (CHILDREN, 1))):
        with pytest.raises(LinkMismatch):
            check_link(link, *ends, 1, key)


def test_only_the_requesters_own_points_can_be_disputed(world: World) -> None:
    land, auditor = world
    asked = asked_of(land)
    recorded(land, asked)
    other = group.mul_each(scalar(2), asked.blinded)
    for blinded, item in ((other, 0), (asked.blinded, 2), (asked.blinded, -1)):
        with pytest.raises(BatchMalformed):
            land.run(auditor.settle(asked.public, asked.record, blinded, item))


def test_a_converter_that_answers_twice_differently_leaves_evidence(world: World) -> None:
    """A13: the second converter refuses the second input, and both signed records of the first convict it."""
    land, _ = world
    asked = asked_of(land, people=(0,))
    office = office_of(land, 1)
    _, onward = land.run(honest_hop.hop(office, PartyName("yokohama"), as_convert(asked)))
    other = group.mul_each(scalar(2), onward.keeper_leg)
    record = msgspec.structs.replace(
        decode(onward.hops[0].record, HopRecord), keeper_out=points_digest(other)
    )
    data = encode(record)
    again = Hop(data, office.identity.signing.sign("hop", data))
    road = land.country.peers(CONVERTERS[0])
    land.run(road.ask(CONVERTERS[1], converter.CONVERT, onward))
    second = msgspec.structs.replace(onward, keeper_leg=other, hops=[again])
    with pytest.raises(BatchReused):
        land.run(road.ask(CONVERTERS[1], converter.CONVERT, second))
    key = land.country.book("yokohama").in_force(land.clock()).signing_key(CONVERTERS[0])
    first = (onward.hops[0].record, onward.hops[0].signature)
    one, two = equivocation(first, (again.record, again.signature), key)
    assert one.request == two.request
    assert one.keeper_out != two.keeper_out


def test_nothing_else_is_evidence_of_two_answers(world: World) -> None:
    """A13: one record twice, records of two requests, or one that the converter did not sign."""
    land, _ = world
    key = land.country.book("yokohama").in_force(land.clock()).signing_key(CONVERTERS[0])
    office = office_of(land, 1)
    records: list[tuple[bytes, bytes]] = []
    for _ in range(2):
        asked = asked_of(land, people=(0,))
        _, onward = land.run(honest_hop.hop(office, PartyName("yokohama"), as_convert(asked)))
        records.append((onward.hops[0].record, onward.hops[0].signature))
    with pytest.raises(NotEvidence):
        equivocation(records[0], records[0], key)
    with pytest.raises(NotEvidence):
        equivocation(records[0], records[1], key)
    false = encode(msgspec.structs.replace(decode(records[0][0], HopRecord), keeper_out=bytes(32)))
    with pytest.raises(SignatureInvalid):
        equivocation(records[0], (false, records[0][1]), key)


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("leg", ["recipient_factor", "keeper_factor"])
def test_a_commitment_to_another_factor_is_refused_in_mode_s1(world: World, position: int, leg: str) -> None:
    """A14: right outputs, but F is of another scalar: the converter cannot prove its step of the check."""
    land, _ = world
    asked = asked_of(land, Mode.S1, (0,))
    office = office_of(land, position)
    false = group.mul_base(random_scalar(land.entropy))

    async def convert(caller: PartyName, message: Convert) -> Converted:
        _, onward = await honest_hop.hop(office, caller, message)
        data = encode(msgspec.structs.replace(decode(onward.hops[-1].record, HopRecord), **{leg: false}))
        await office.db.write(
            lambda db: db.execute(
                "UPDATE seen_request SET hop = ? WHERE request = ?", (data, decode(data, HopRecord).request)
            )
        )
        lying = Hop(data, office.identity.signing.sign("hop", data))
        onward = msgspec.structs.replace(onward, hops=[*message.hops, lying])
        if office.successor is not None:
            return await office.peers.ask(office.successor, converter.CONVERT, onward)
        filed = await office.peers.ask(PartyName("mailbox"), mailbox.FILE, honest_hop._for_keeper(onward))
        return Converted(filed, onward.hops, onward.recipient_leg)

    with taken_over(land, CONVERTERS[position - 1], converter.CONVERT, convert), pytest.raises(ProofInvalid):
        recorded(land, asked)
