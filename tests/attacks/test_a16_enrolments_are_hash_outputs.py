"""A16: a registry that enrols a multiple of somebody's point could have that person's exchanges filed under another.
The commission samples enrolments, and no lie about the sampled one holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from attacks.insider import scalar, taken_over
from attacks.test_a03_s0plus_windows_find_what_singles_hide import auditor_of
from kakine.clients.exchange import request_of
from kakine.contracts import converter
from kakine.contracts.converter import Witness, Witnessed
from kakine.contracts.registry_audit import INFO, SAMPLE, Sample, Sampled
from kakine.country import CONVERTERS
from kakine.crypto.group import Scalar, group, scalar_mul
from kakine.crypto.sealing import open_sealed, seal
from kakine.parties.commission.audit import Auditor
from kakine.parties.converter import audit as honest
from kakine.protocols.chain import person_blind
from kakine.values.codes import Code, CodeVector
from kakine.values.labels import HASH, PartyName
from kakine.values.problems import EnrolmentUnknown
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode
from kakine.wire.request import Kind, Payload

from land import Land, person

REGISTRY = PartyName("registry")


@dataclass
class World:
    """A country with three people, and the malicious enrolment of a fourth: c times the point of `victim`."""

    land: Land
    auditor: Auditor
    victim: bytes
    factor: Scalar
    asked: Prepared

    @property
    def request(self) -> bytes:
        return request_of(self.asked)

    @property
    def blind(self) -> Scalar:
        return person_blind(decode(self.asked.payload, Payload).seed, 0)

    def faults(self, root: bytes, blind: Scalar, blinded: bytes | None = None) -> set[tuple[str, str]]:
        """What a sample of everybody finds when the registry shows this of the malicious enrolment."""
        country = self.land.country
        to = country.book("registry").in_force(self.land.clock()).seal_key("commission")

        async def show(caller: PartyName, message: Sample) -> Sampled:
            if message.request != self.request:
                return await country.registry.codes.sample(caller, message)
            return Sampled(blinded or self.asked.blinded, seal(to, INFO, root + bytes(blind)))

        with taken_over(self.land, "registry", SAMPLE, show):
            return {(v.party, v.fault) for v in self.everybody() if v.fault}

    def everybody(self):  # type: ignore[no-untyped-def]
        return self.land.run(self.auditor.sample_enrolments(100))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Land.founded(tmp_path_factory.mktemp("enrol") / "land", people=3, domains=()) as land:
        land.run(land.country.refresh())
        auditor = auditor_of(land)
        assert {(v.party, v.fault) for v in land.run(auditor.sample_enrolments(100))} == {("", "")}
        codes = land.country.registry.codes
        root, factor = land.entropy(32), scalar(123456789)
        honest_wish = codes._wish(
            Kind.ENROL, "ENROL", codes.name, CodeVector.of([Code(group.hash_to_group(root))]), [person(8)]
        )
        requester = codes._requester(codes.hash, 1)
        prepared = land.run(requester.prepare(honest_wish))
        land.run(codes._keep_sealed(prepared, [person(8)], [root]))
        land.run(codes.carrier.send(requester, prepared, HASH.encode()))
        point = group.mul(factor, group.hash_to_group(root))
        wish = codes._wish(Kind.ENROL, "ENROL", codes.name, CodeVector.of([Code(point)]), [person(9)])
        asked = land.run(requester.prepare(wish))
        land.run(codes.carrier.send(requester, asked, HASH.encode()))
        yield World(land, auditor, root, factor, asked)
        auditor.close()


def test_every_honest_enrolment_is_found_right_and_no_person_is_shown(world: World) -> None:
    found = world.land.run(world.auditor.sample_enrolments(100))
    assert len([v for v in found if not v.fault]) == 4
    shown = {v.subject for v in found}
    assert not shown & {person(j) for j in range(10)}


def test_a_malicious_enrolment_that_is_not_kept_is_found(world: World) -> None:
    """The sample is drawn from what the converters saw: leaving it out is a verdict too."""
    found = {(v.party, v.fault) for v in world.everybody() if v.fault}
    assert found == {(REGISTRY, EnrolmentUnknown.code)}


def test_the_victims_root_does_not_open_a_multiple_of_its_point(world: World) -> None:
    assert world.faults(world.victim, world.blind) == {(REGISTRY, "point")}


def test_a_blinding_that_hides_the_factor_is_not_the_one_the_record_keeper_used(world: World) -> None:
    """ρ·c and the victim's root give exactly the filed point; only the digest kept by another party tells."""
    hiding = scalar_mul(world.blind, world.factor)
    assert world.faults(world.victim, hiding) == {(REGISTRY, "blinding")}


def test_other_points_than_those_converted_are_not_accepted(world: World) -> None:
    """The registry shows the Q it should have sent; the first converter signed for another."""
    keys = world.land.run(world.land.country.registry.codes.hash.mask_keys(1))
    assert len(keys) == 3
    inverse = scalar(pow(123456789, -1, 2**252 + 27742317777372353535851937790883648493))
    right = group.mul(inverse, world.asked.blinded)
    assert world.faults(world.victim, world.blind, right) == {(REGISTRY, "points")}


def test_an_invented_root_does_not_open_anything(world: World) -> None:
    assert world.faults(bytes(32), world.blind) == {(REGISTRY, "point")}


def test_a_converter_that_does_not_sign_its_share_is_named(world: World) -> None:
    office = world.land.country.converters[CONVERTERS[1]].office

    async def unsigned(caller: PartyName, message: Witness) -> Witnessed:
        told = await honest.witness(office, caller, message)
        return Witnessed(told.record, told.signature, bytes(scalar(7)), told.proof)

    with taken_over(world.land, CONVERTERS[1], converter.WITNESS, unsigned):
        found = {(v.party, v.fault) for v in world.everybody()}
    assert (CONVERTERS[1], "witness") in found
    assert ("", "") not in found


def test_the_registry_cannot_read_its_own_roots_back(world: World) -> None:
    """They are sealed to the commission: the registry's own key does not open them."""
    from kakine.values.problems import SealInvalid

    db = world.land.country.registry.db.read()
    sealed = bytes(db.execute("SELECT sealed FROM enrolment").fetchone()[0])
    with pytest.raises(SealInvalid):
        open_sealed(world.land.country.identities[REGISTRY].opening, INFO, sealed)
