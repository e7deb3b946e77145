"""A13, A14: a dispute names the converter at fault from its own signatures; two different answers to one request are
evidence by themselves; a commitment to another factor is caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from attacks.insider import office_of, scalar, taken_over, tampering
from attacks.test_a03_legs_belong_to_one_person import ANSWER, FIRST, RECORDS, every_leg, swap
from attacks.test_a03_s0plus_windows_find_what_singles_hide import auditor_of
from kakine.clients.exchange import as_convert
from kakine.contracts import converter
from kakine.contracts.converter import Convert, Converted, Dispute, Explained, Hop, LinkAsked, LinkPublished
from kakine.country import CONVERTERS, KEEPERS
from kakine.crypto.group import Scalar, group, random_scalar, scalar_inv, scalar_mul
from kakine.crypto.proofs import prove_equal
from kakine.parties.commission.audit import Auditor
from kakine.parties.converter import audit as honest
from kakine.parties.converter import hop as honest_hop
from kakine.parties.converter import keys as honest_keys
from kakine.parties.converter.office import Office
from kakine.parties.converter.recording import record_batch
from kakine.protocols.audit import (
    Account,
    Link,
    check_account,
    check_link,
    dispute_context,
    equivocation,
    explained_item,
    signed_hop,
)
from kakine.protocols.chain import HopKeys
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
from kakine.wire.request import HopRecord, Keeper, Mode, points_digest

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
@every_leg
def test_a_dispute_names_the_converter_that_swapped_a_leg(world: World, leg: int, position: int) -> None:
    land, _ = world
    asked = asked_of(land)
    with tampering(land, position, swap(asked, leg)):
        recorded(land, asked)
    assert settled(world, asked) == (CONVERTERS[position - 1], "output")


def test_a_converter_cannot_explain_an_output_it_should_not_have_made(world: World) -> None:
    """It stands by the swapped output, signs for it, and proves what it likes: the proof does not hold."""
    land, _ = world
    asked, office = asked_of(land), office_of(land, 1)
    tamper = swap(asked, *RECORDS)
    legs: list[Sequence[bytes]] = []

    def noted(message: Convert, made: list[Scalar], onward: Convert) -> Sequence[bytes]:
        legs.append(tamper(message, made, onward))
        return legs[-1]

    with tampering(land, 1, noted):
        recorded(land, asked)

    async def explain(caller: PartyName, message: Dispute) -> Explained:
        told = await honest.explain(office, caller, message)
        place = slice(message.position * 32, message.position * 32 + 32)
        proofs = list(told.proofs)
        for leg in RECORDS:
            share = keys_of(office).keepers[leg].share
            start = group.mul(Scalar(told.scalars[leg]), asked.blinded[place])
            proofs[leg] = prove_equal(
                share,
                GENERATOR,
                group.mul_base(share),
                start,
                legs[0][leg][place],
                dispute_context(message.request, 1, leg),
                office.nonce_key,
                office.entropy,
            ).encode()
        false = msgspec.structs.replace(told, outs=[*legs[0][:ANSWER], told.outs[ANSWER]], proofs=proofs)
        return signed(land, 1, message, false)

    with taken_over(land, CONVERTERS[0], converter.DISPUTE, explain):
        assert settled(world, asked) == (CONVERTERS[0], "proof")


def keys_of(office: Office) -> HopKeys:
    """A converter's keys for the link of these tests."""
    ends = [Keeper(name, 1) for name in KEEPERS]
    return honest_keys.hop_keys(office, (CHILDREN, 1), ends, (TAX, 1))


def signed(land: Land, position: int, message: Dispute, told: Explained) -> Explained:
    parts = *told.outs, *told.scalars, *told.proofs
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

    def doubled(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        return [*onward.legs[:ANSWER], group.mul_each(scalar(2), onward.legs[ANSWER])]

    with tampering(land, 3, doubled):
        recorded(land, asked)

    async def explain(caller: PartyName, message: Dispute) -> Explained:
        told = await honest.explain(office, caller, message)
        keys = keys_of(office)
        assert keys.recipient is not None
        link = scalar_mul(keys.recipient.share, scalar_inv(keys.requester.share))
        twice = scalar_mul(Scalar(told.scalars[ANSWER]), scalar(2))
        start = group.mul(twice, message.ins[ANSWER])
        out = group.mul(link, start)
        bound = dispute_context(message.request, 3, ANSWER)
        proof = prove_equal(
            link, GENERATOR, group.mul_base(link), start, out, bound, office.nonce_key, office.entropy
        )
        false = Explained(
            [*told.outs[:ANSWER], out],
            [*told.scalars[:ANSWER], bytes(twice)],
            [*told.proofs[:ANSWER], proof.encode()],
            b"",
        )
        return signed(land, 3, message, false)

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
    told = land.run(peers.ask(CONVERTERS[0], converter.DISPUTE, Dispute(request, 0, [asked.blinded] * 3)))
    given = land.run(
        land.country.peers("sapporo").ask(CONVERTERS[0], converter.LINK, LinkAsked(CHILDREN, 1, TAX, 1))
    )
    link = Link(given.requester_public, given.recipient_public, given.link, given.proof, given.signature)
    check_link(link, (CHILDREN, 1), (TAX, 1), 1, key)
    hop = signed_hop(hops[0].record, hops[0].signature, key, request, 1)
    outs, scalars, proofs = told.outs, told.scalars, told.proofs
    check_account(
        hop, ANSWER, link.link, asked.blinded, 0, Account(outs[ANSWER], scalars[ANSWER], proofs[ANSWER])
    )
    for wrong, what in (
        (Account(outs[FIRST], scalars[ANSWER], proofs[ANSWER]), "output"),
        (Account(outs[ANSWER], scalars[FIRST], proofs[ANSWER]), "proof"),
        (Account(outs[ANSWER], scalars[ANSWER], proofs[FIRST]), "proof"),
    ):
        with pytest.raises(HopAtFault) as fault:
            check_account(hop, ANSWER, link.link, asked.blinded, 0, wrong)
        assert fault.value.facts["what"] == what
    account = Account(outs[ANSWER], scalars[ANSWER], proofs[ANSWER])
    for leg in (-1, 3):
        with pytest.raises(HopAtFault):
            check_account(hop, leg, link.link, asked.blinded, 0, account)
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
    other = group.mul_each(scalar(2), onward.legs[FIRST])
    record = decode(onward.hops[0].record, HopRecord)
    data = encode(msgspec.structs.replace(record, outs=(points_digest(other), *record.outs[1:])))
    again = Hop(data, office.identity.signing.sign("hop", data))
    road = land.country.peers(CONVERTERS[0])
    land.run(road.ask(CONVERTERS[1], converter.CONVERT, onward))
    second = msgspec.structs.replace(onward, legs=[other, *onward.legs[1:]], hops=[again])
    with pytest.raises(BatchReused):
        land.run(road.ask(CONVERTERS[1], converter.CONVERT, second))
    key = land.country.book("yokohama").in_force(land.clock()).signing_key(CONVERTERS[0])
    first = (onward.hops[0].record, onward.hops[0].signature)
    one, two = equivocation(first, (again.record, again.signature), key)
    assert one.request == two.request
    assert one.outs[FIRST] != two.outs[FIRST]


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
    record = decode(records[0][0], HopRecord)
    false = encode(msgspec.structs.replace(record, outs=(bytes(32), *record.outs[1:])))
    with pytest.raises(SignatureInvalid):
        equivocation(records[0], (false, records[0][1]), key)


@pytest.mark.parametrize("position", [1, 2, 3])
@every_leg
def test_a_commitment_to_another_factor_is_refused_in_mode_s1(world: World, position: int, leg: int) -> None:
    """A14: right outputs, but F is of another scalar: the converter cannot prove its step of the check."""
    land, _ = world
    asked = asked_of(land, Mode.S1, (0,))
    office = office_of(land, position)
    false = group.mul_base(random_scalar(land.entropy))

    async def convert(caller: PartyName, message: Convert) -> Converted:
        asked, onward = await honest_hop.hop(office, caller, message)
        record = decode(onward.hops[-1].record, HopRecord)
        factors = [false if at == leg else own for at, own in enumerate(record.factors)]
        data = encode(msgspec.structs.replace(record, factors=tuple(factors)))
        await office.db.write(
            lambda db: db.execute(
                "UPDATE seen_request SET hop = ? WHERE request = ?", (data, decode(data, HopRecord).request)
            )
        )
        lying = Hop(data, office.identity.signing.sign("hop", data))
        onward = msgspec.structs.replace(onward, hops=[*message.hops, lying])
        if office.successor is not None:
            return await office.peers.ask(office.successor, converter.CONVERT, onward)
        filed, _ = await record_batch(office, asked.public.keepers, asked.request, onward)
        return Converted(filed, onward.hops, onward.legs[-1])

    with taken_over(land, CONVERTERS[position - 1], converter.CONVERT, convert), pytest.raises(ProofInvalid):
        recorded(land, asked)
