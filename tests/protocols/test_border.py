"""Whatever bytes come in, a party answers with its message or with a problem document, and never falls over.

Each call of each contract meets callers that may not make it, bodies that are no message, and messages that
are almost right: what really crossed the road, with something in it changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attacks.insider import rewritten
from forging import signed
from kakine.clients.exchange import as_convert
from kakine.contracts import (
    agency,
    authority,
    claims,
    commission,
    commission_audit,
    converter,
    desk,
    gateway,
    ledger,
    mailbox,
    ministry,
    registry,
    registry_audit,
    retention,
    signer,
)
from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role
from kakine.contracts.gateway import Deliver
from kakine.contracts.served import CONTRACTS
from kakine.country import LOGIN, ORIGIN
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, seal
from kakine.protocols.matching import Sex
from kakine.protocols.records import request_batch
from kakine.runtime.http import PROBLEM_MEDIA
from kakine.values.calendar import months_since_2000
from kakine.values.problems import BY_CODE
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode, plain
from kakine.wire.request import (
    Mode,
    Payload,
    Place,
    PublicPart,
    RecordPart,
    ask_digest,
    public_digest,
    recipient_info,
)
from road import Passage, Reply, raw_call, recorded

from land import CHILDREN, TAX, Land, ref

HOLDERS = {
    Role.AUTHORITY: "authority",
    Role.COMMISSION: "commission",
    Role.CONVERTER: "converter-1",
    Role.GATEWAY: "yokohama",
    Role.LEDGER: "ledger-a",
    Role.MAILBOX: "mailbox-a",
    Role.MINISTRY: "ministry",
    Role.PORTAL: "portal",
    Role.REGISTRY: "registry",
    Role.SIGNER: "ledger-a-signer",
}
KEY = bytes(16)
encoder = msgspec.msgpack.Encoder(enc_hook=plain)


def calls() -> dict[str, tuple[str, Call[Any, Any]]]:
    """Every call of every contract and a party that serves it."""
    found: dict[str, tuple[str, Call[Any, Any]]] = {}
    for kind, contracts in CONTRACTS.items():
        for contract in contracts:
            module = contract.__name__.rpartition(".")[2]
            for name, value in vars(contract).items():
                if isinstance(value, Call):
                    found.setdefault(f"{module}.{name}", (HOLDERS[kind], value))
    return found


CALLS = calls()
EVERY_CALL = pytest.mark.parametrize("name", CALLS)


@dataclass(frozen=True)
class Border:
    """A country that has done a bit of everything, and what crossed its road."""

    land: Land
    passages: list[Passage]

    def call(self, name: str, caller: str | None, body: bytes, **more: Any) -> Reply:
        party, call = CALLS[name]
        app = self.land.country.apps[party]  # type: ignore[index]
        return self.land.run(raw_call(app, caller, more.pop("path", call.path), body, **more))

    def good(self, name: str) -> tuple[str, bytes]:
        """A caller that may make the call, and a body that decodes."""
        party, call = CALLS[name]
        for passage in reversed(self.passages):
            if (passage.to, passage.path) == (party, call.path):
                return passage.caller, passage.body
        role = min(call.callers)
        return HOLDERS[role], encoder.encode(composed(self.land, self.passages)[call.path])


def all_of(passages: list[Passage], call: Call[Any, Any]) -> list[Any]:
    bodies = [p.body for p in passages if p.path == call.path and p.to == "converter-1"]
    return [msgspec.msgpack.decode(body, type=call.takes) for body in bodies]


def last(passages: list[Passage], call: Call[Any, Any]) -> Any:
    return all_of(passages, call)[-1]


def composed(land: Land, passages: list[Passage]) -> Mapping[str, Body]:
    """Bodies for calls that an ordinary day does not see."""
    shown = last(passages, converter.RELEASE)
    enrolled, *_, windowed, request = (each.request for each in all_of(passages, converter.OUTCOME))
    blinded = last(passages, converter.CONVERT).blinded
    subject = registry.Subject("123456789018", date(1990, 2, 3))
    person = ("渡邉　花子", "ワタナベ　ハナコ", date(1990, 2, 3), Sex.FEMALE)
    entry = registry.Entry(KEY, *person, KEY, date(2020, 1, 1))
    receipt = ledger.Appended(0, [bytes(32)], b"checkpoint")
    proved, held = ledger.Proved(bytes(80), receipt), retention.HoldLogged(b"hold", bytes(80), receipt)
    return {
        authority.BATCHES.path: authority.FromBatch(1),
        authority.CERTIFY.path: authority.Certify("authentication-product", b"request", b"voucher"),
        authority.CERTIFY_PARTY.path: authority.CertifyParty(b"request"),
        authority.CERTIFY_FIRST.path: authority.CertifyFirst(b"application"),
        authority.CRL.path: authority.Partition("party", "1-parties"),
        authority.EVENTS.path: authority.Events([authority.Event(KEY, KEY, 2, authority.What.DIED)]),
        authority.LINK.path: authority.AskLink(b"sealed"),
        authority.LIST.path: authority.ListName("https://status.kakine.example/party/1"),
        authority.LISTS.path: Nothing(),
        authority.PARTITIONS.path: Nothing(),
        authority.ROOTS.path: Nothing(),
        authority.STEPS.path: authority.Since("https://status.kakine.example/party/1", 1),
        commission.LOG_BATCH.path: commission.IssuanceBatch(b"batch", bytes(64)),
        registry.CARD.path: registry.CardReport(KEY, subject, registry.CardNews.LOST),
        registry.LOSS_CODE.path: registry.LossCode(subject, bytes(32)),
        registry.LOST_BY_CODE.path: registry.LostByCode(KEY, bytes(32)),
        registry.VOUCH.path: registry.Vouch(subject, "authentication"),
        commission.USUAL.path: Nothing(),
        commission.ERASURES.path: retention.Erasures(1),
        commission_audit.EVIDENCE.path: commission_audit.EvidenceSent(b"{}"),
        commission_audit.OBJECT.path: commission_audit.Objection(b"sealed"),
        converter.DESTROY.path: retention.Destroy(b"order", [b"dropped"], [b"hold"]),
        converter.DISPUTED.path: converter.Disputed(b"shown", proved, proved, bytes(32), []),
        converter.LIFT.path: held,
        agency.ASK.path: agency.Asking(
            CHILDREN, TAX, "JO106", ["JO106.2"], ref(0), "official-7", bytes(32), "desk"
        ),
        agency.PAPER.path: agency.AskPaper("yokohama/residents", ref(0), "official-7", bytes(32), "desk"),
        agency.KEEP.path: agency.KeepCopies(CHILDREN, [agency.NewCopy(ref(0), "TK-0046", 1, 1, 0, 1, b"{}")]),
        agency.BULK_PEOPLE.path: agency.BulkPart(bytes(12), 0, [ref(0)], [bytes(32)]),
        agency.BULK_BEGIN.path: agency.BulkOrder(
            bytes(12), CHILDREN, TAX, "JO106", ["JO106.2"], "official-7", "desk", 1
        ),
        agency.BULK_WORK.path: agency.BulkJob(bytes(12)),
        agency.BULK_LINES.path: agency.BulkFrom(bytes(12), 0),
        agency.BULK_END.path: agency.BulkJob(bytes(12)),
        desk.DESK_STAFF_ADD.path: desk.Added(CHILDREN, "somebody", "desk", "clerk"),
        desk.DESK_STAFF.path: desk.OfDesk(CHILDREN),
        desk.DESK_STAFF_CODE.path: desk.CodeFor(CHILDREN, "official-7", "shift"),
        desk.DESK_STAFF_STATE.path: desk.StateOf(CHILDREN, "official-7", "locked"),
        desk.DESK_STAFF_KIN.path: desk.KinOf(CHILDREN, "official-7", [ref(0)]),
        desk.DESK_APPLICATIONS.path: desk.Applications(
            CHILDREN, [desk.Application("A-1", "JO106", 20_000, "desk", [ref(0)])]
        ),
        commission.ERASE.path: Nothing(),
        commission.HOLD_ON.path: retention.HoldWanted(ORIGIN, [1], "litigation"),
        commission.LET_GO.path: retention.EndHold(bytes(32)),
        commission.ASSESSED.path: commission.Assessed(
            "insurer", "file", 1_000, False, 20_000, 0, 0, 0, 20_000
        ),
        commission.APPOINT.path: commission.Appoint("somebody", "officer"),
        gateway.DISPUTABLE.path: gateway.Disputable(request),
        claims.CLAIM.path: claims.Claimed(TAX, bytes(32), 0, b"sealed"),
        mailbox.DROP.path: retention.Drop(b"order"),
        mailbox.EXPIRING.path: retention.ExpiringAsked(1),
        mailbox.FILED_AT.path: mailbox.FiledAt(Place(ORIGIN, 0)),
        mailbox.HELD.path: retention.HeldAsked(b"order"),
        mailbox.HOLD.path: held,
        converter.LINK.path: converter.LinkAsked(CHILDREN, 1, TAX, 1),
        converter.HEAD.path: converter.LastHead(ORIGIN),
        converter.SEEN.path: converter.SeenSince(0),
        converter.RATIOS.path: converter.Ratios([windowed]),
        converter.WINDOW.path: converter.WindowCheck([windowed], bytes(32), [blinded], []),
        converter.DISPUTE.path: converter.Dispute(request, 0, [bytes(32)] * 3),
        converter.REKEY.path: converter.Rekey(TAX, 1, KEY, land.clock(), bytes(32), bytes(64)),
        converter.STATEMENT.path: converter.CountAsked(ORIGIN, 1),
        converter.STATEMENTS.path: converter.StatementsAsked(ORIGIN, 0),
        converter.USES.path: converter.UsesAsked(20_000),
        converter.WITNESS.path: converter.Witness(enrolled),
        mailbox.VECTORS.path: mailbox.Vectors(0),
        mailbox.BLINDS.path: mailbox.Blinds(enrolled),
        mailbox.INDEXES.path: mailbox.IndexesAsked(ORIGIN, 0),
        mailbox.INDEX_ROWS.path: mailbox.IndexRowsAsked(ORIGIN, 0, 0),
        mailbox.UNSEAL.path: mailbox.Unseal(Place(ORIGIN, 1), shown.entries[:80]),
        mailbox.STANDING.path: mailbox.AskStanding("ledger.example", 0, 2, 600_000),
        registry_audit.SAMPLE.path: registry_audit.Sample(enrolled, 0),
        ledger.RECEIPT.path: ledger.ByTag(shown.tags),
        signer.CLOSE.path: signer.OfLog("ledger.example"),
        ledger.ENTRIES.path: ledger.ByIndex(0, 2),
        ledger.CONSISTENCY.path: ledger.Between(1),
        ledger.CHECKPOINT.path: Nothing(),
        ledger.WITNESSED.path: Nothing(),
        ledger.WITNESSED_ENTRIES.path: ledger.ByIndex(0, 2),
        commission.CURRENT.path: commission.Since(1),
        commission.PUBLISH.path: commission.Propose(b"gazette", bytes(64)),
        commission.PROPOSALS.path: Nothing(),
        commission.APPROVE.path: commission.Approve(bytes(32)),
        commission.REFUSE.path: commission.Refuse(bytes(32), "because"),
        commission.SUSPEND.path: commission.Narrow([commission.Stop("party", "nobody")], [], "理由", "why"),
        ministry.PROPOSE.path: ministry.Draft(b"gazette", land.clock(), "理由", "why"),
        ministry.NARROW.path: commission.Narrow([], ["JO999.9"], "理由", "why"),
        registry.ENTER.path: registry.Enter([entry]),
        registry.BIRTH.path: registry.Born(KEY, subject, date(2026, 1, 1), Sex.MALE, "花", "ハナ"),
        registry.REPORT.path: registry.Report(
            KEY, subject, date(2026, 1, 1), registry.Moved("somewhere", KEY)
        ),
        registry.ACQUIRE.path: registry.Acquire(
            TAX, [registry.Wanted(b"ref", registry.ByItems(*person, "somewhere"))]
        ),
    }


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Border]:
    with recorded() as passages:
        folder = tmp_path_factory.mktemp("border") / "land"
        with Land.founded(folder, people=3, domains=(CHILDREN, TAX, LOGIN)) as land:
            for mode in Mode:
                land.run(land.ask(0, mode=mode))
            land.run(land.country.portal.read_history(ref(0), OpenKey(bytes(range(32))).public))
            yield Border(land, passages)


def problem(reply: Reply) -> str:
    """The code of the problem document that the reply must be."""
    assert reply.media == PROBLEM_MEDIA
    document = msgspec.json.decode(reply.body)
    code = document["type"].removeprefix("urn:kakine:problem:")
    assert code in BY_CODE
    assert (document["status"], document["title"]) == (reply.status, BY_CODE[code].title)
    assert set(document) <= {"type", "title", "status", "facts"}
    return str(code)


@EVERY_CALL
def test_a_caller_without_identity_or_role_is_refused_before_its_body_is_read(
    border: Border, name: str
) -> None:
    _, call = CALLS[name]
    _, body = border.good(name)
    assert problem(border.call(name, None, body)) == "caller-unknown"
    others = [holder for role, holder in HOLDERS.items() if role not in call.callers]
    for caller in ["stranger", *others]:
        assert problem(border.call(name, caller, b"garbage")) == "caller-not-allowed"
    assert others or call.callers == ANYBODY


@EVERY_CALL
def test_bytes_that_are_not_the_message_are_named_so(border: Border, name: str) -> None:
    _, call = CALLS[name]
    caller, body = border.good(name)
    strange = encoder.encode({"photo_of_nobody": b"", "number": 1})
    attempts = [b"", b"\xc1", b"{}", b"\xff" * 40, body + b"\0", strange, encoder.encode([1, 2])]
    attempts += [body[:cut] for cut in {0, 1, len(body) // 2, len(body) - 1} if cut < len(body)]
    foreign = [encoder.encode(value) for value in composed(border.land, border.passages).values()]
    attempts += [other for other in foreign if not _decodes(other, call.takes)]
    for attempt in attempts:
        assert problem(border.call(name, caller, attempt)) == "message-malformed"


def _decodes(body: bytes, kind: type) -> bool:
    try:
        msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError:
        return False
    return True


@EVERY_CALL
def test_a_body_over_the_limit_is_refused_whatever_length_it_declares(border: Border, name: str) -> None:
    _, call = CALLS[name]
    caller, _ = border.good(name)
    for length in (str(call.limit + 1), "-1", "many", "9" * 30):
        assert problem(border.call(name, caller, b"", length=length)) == "message-too-large"
    if call.limit < 8 << 20:
        assert problem(border.call(name, caller, bytes(call.limit + 1), length="1")) == "message-too-large"


@EVERY_CALL
def test_there_is_no_other_method_and_no_other_path(border: Border, name: str) -> None:
    caller, body = border.good(name)
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert problem(border.call(name, caller, body, method=method)) == "route-unknown"
    for path in ("/", "/v1", "/v1/people", "/v1/../v1", CALLS[name][1].path + "/", "//"):
        assert problem(border.call(name, caller, body, path=path)) == "route-unknown"


INTEGERS = [-(2**63), -1, 0, 1, 2, 255, 256, 65535, 65536, 2**31, 2**32, 2**48, 2**63 - 1, 2**63, 2**64 - 1]
TEXTS = ["", "x", "a/b", "yokohama/tax", "hash/genesis", "\0", "番号", "x" * 5000, "../x"]
FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32)
"""One draw an example: what is changed hangs on the message, whose bytes differ from run to run."""


def changed(dice: Random, value: Any) -> Any:
    """The value with one thing in it changed; of the same msgpack type, most often."""
    if dice.random() < 0.05:
        return dice.choice([*INTEGERS, *TEXTS, None, b"", [], {}])
    match value:
        case dict() if value:
            key = dice.choice(sorted(value))
            return {**value, key: changed(dice, value[key])}
        case list() if value:
            place = dice.randrange(len(value))
            one = [*value[:place], changed(dice, value[place]), *value[place + 1 :]]
            return dice.choice([one, one, one, [], value + value, value[:-1]])
        case int():
            return dice.choice(INTEGERS)
        case str():
            return dice.choice(TEXTS)
        case bytes():
            return changed_bytes(dice, value)
    return dice.choice([*INTEGERS, *TEXTS, None, b"", {"unknown": 1}])


def changed_bytes(dice: Random, value: bytes) -> bytes:
    flipped = bytearray(value or b"\0")
    flipped[dice.randrange(len(flipped))] ^= dice.randint(1, 255)
    cut = dice.randint(0, len(value))
    return dice.choice(
        [bytes(flipped), value[:cut], value + value, bytes(len(value)), b"\xff" * len(value), b""]
    )


@EVERY_CALL
def test_a_message_with_anything_in_it_changed_is_answered_or_refused_by_name(
    border: Border, name: str
) -> None:
    caller, body = border.good(name)
    fields = msgspec.msgpack.decode(body)

    @FEW
    @given(SEEDS)
    def attempt(seed: int) -> None:
        reply = border.call(name, caller, encoder.encode(changed(Random(seed), fields)))
        if reply.status != 200:
            assert problem(reply) != "internal-fault"

    attempt()


def prepared(land: Land) -> Prepared:
    return land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))


def converted(border: Border, asked: Prepared) -> Reply:
    """The request goes to the chain."""
    return border.call("converter.CONVERT", "yokohama", encoder.encode(as_convert(asked)))


@pytest.mark.parametrize("part", ["public", "record", "entries", "envelopes", "blinded", "to_keepers"])
def test_a_requester_that_signs_nonsense_is_refused_by_name(border: Border, part: str) -> None:
    @FEW
    @given(SEEDS)
    def attempt(seed: int) -> None:
        dice, asked = Random(seed), prepared(border.land)
        if part in ("public", "record"):
            said = msgspec.msgpack.decode(getattr(asked, part))
            wrong: Any = encoder.encode(changed(dice, said))
        elif part in ("envelopes", "to_keepers"):
            wrong = tuple(changed_bytes(dice, each) for each in getattr(asked, part))
        else:
            wrong = changed_bytes(dice, getattr(asked, part))
        reply = converted(border, resigned(border.land, asked, part, wrong))
        if reply.status != 200:
            assert problem(reply) != "internal-fault"

    attempt()


def resigned(land: Land, asked: Prepared, part: str, wrong: Any) -> Prepared:
    """The request with one part changed and what hangs on it made to fit, signed with the requester's own key."""
    if part == "blinded":  # every record is bound to Q
        return rewritten(land, asked, blinded=wrong)
    parts = {part: wrong}
    record = decode(asked.record, RecordPart)
    if part == "envelopes":
        parts["entries"] = naming(asked.entries, wrong)
    if part == "to_keepers":
        sealed = tuple(digest("sealed", each) for each in wrong)
        parts["record"] = encode(msgspec.structs.replace(record, to_keepers=sealed))
    if "entries" in parts:
        parts["record"] = encode(msgspec.structs.replace(record, entries=digest("entries", parts["entries"])))
    return signed(land, asked, **parts)


def naming(entries: bytes, envelopes: tuple[bytes, ...]) -> bytes:
    """The entries with the digests of these envelopes."""
    return b"".join(
        entries[80 * j : 80 * j + 48] + hashlib.sha256(envelope).digest()
        for j, envelope in enumerate(envelopes)
    )


def test_a_requester_that_seals_nonsense_to_the_provider_is_refused_by_name(border: Border) -> None:
    land = border.land
    to = land.country.book("yokohama").in_force(land.clock()).seal_key("yokohama")

    @FEW
    @given(SEEDS)
    def attempt(seed: int) -> None:
        asked = prepared(land)
        payload = encoder.encode(changed(Random(seed), msgspec.msgpack.decode(asked.payload)))
        public, record = decode(asked.public, PublicPart), decode(asked.record, RecordPart)
        sealed = seal(to, recipient_info(public, record.batch, record.blinded), payload)
        message = with_converters_help(land, asked, sealed)
        reply = border.call("gateway.DELIVER", "yokohama", encoder.encode(message))
        if reply.status != 200:  # another key for the answer is the requester's own loss
            assert problem(reply) not in ("internal-fault", "message-malformed")

    attempt()


def with_converters_help(land: Land, asked: Prepared, sealed: bytes) -> Deliver:
    """A delivery that is right in everything but what is sealed to the provider."""
    public = msgspec.structs.replace(decode(asked.public, PublicPart), to_recipient=digest("sealed", sealed))
    told = decode(asked.payload, Payload)
    record = decode(asked.record, RecordPart)
    public_bytes = encode(public)
    ask = ask_digest(public_digest(public_bytes), record.batch, record.blinded)
    made = request_batch(public, record.kind, told, ask, land.yokohama.office.months)
    parts = encode(msgspec.structs.replace(record, entries=digest("entries", made.entries)))
    other = signed(
        land,
        asked,
        public=public_bytes,
        record=parts,
        entries=made.entries,
        envelopes=tuple(made.envelopes),
        to_recipient=sealed,
        disclosed=made.openings.disclosed,
        withheld=made.openings.withheld,
        openings=made.openings.people,
    )
    requester = land.requester()
    filed = land.run(requester.convert(other))
    return requester.delivery(other, filed, land.run(requester.release(other, filed)))


def test_every_call_has_a_body_here_that_its_party_decodes(border: Border) -> None:
    for name in CALLS:
        reply = border.call(name, *border.good(name))
        assert reply.status == 200 or problem(reply) not in ("message-malformed", "internal-fault")


def test_the_month_key_of_any_month_but_the_near_ones_is_refused(border: Border) -> None:
    month = months_since_2000(border.land.clock())
    for asked, served in ((month, True), (month + 1, True), (month - 1, True), (month + 12, False)):
        reply = border.call("converter.MONTH_KEY", "yokohama", encoder.encode(converter.MonthAsked(asked)))
        assert (reply.status == 200) == served


def test_what_a_party_says_of_a_fault_shows_no_part_of_the_message(border: Border) -> None:
    caller, body = border.good("gateway.DELIVER")
    marked = body[: len(body) // 2] + b"PLANTED-NAME" + body[len(body) // 2 :]
    assert b"PLANTED-NAME" not in border.call("gateway.DELIVER", caller, marked).body
