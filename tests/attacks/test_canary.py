"""Planted values turn up only where they may: in every store, in every message on the road, in every log record.

One resident with a name that nobody has is entered, enrolled, issued, asked about and reads the history. Then every
byte that each party holds, was sent or has logged is searched for what was planted and for what the resident's
domains know. The table `MAY_HOLD` says who may have what; all else must be clean.
"""

from __future__ import annotations

import base64
import gc
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType

import msgspec
import pytest
from typer.testing import CliRunner

from attacks.insider import MAILBOXES
from exchange_state import rows
from kakine.cli.root import app
from kakine.contracts import registry as calls
from kakine.contracts.commission import CURRENT
from kakine.contracts.registry import Enter, EnterAnswer, Entry, Numbered
from kakine.country import LOGIN, REGISTRY
from kakine.crypto.group import Scalar, group
from kakine.crypto.sealing import OpenKey
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.parties.registry import store as registry_store
from kakine.protocols.gazette import LawBook
from kakine.protocols.history import union_of
from kakine.protocols.matching import Sex
from kakine.runtime import codebook
from kakine.runtime.http import Peers
from kakine.values.problems import Problem, RecordRefused, SealInvalid
from kakine.wire.entry import Entry as LogEntry
from kakine.wire.envelope import Envelope
from kakine.wire.request import Mode
from road import Passage, raw_call, recorded

from land import CHILDREN, TAX, TAX_ITEM, Land, ref

PLANTED = {
    "name": "鸞鳳堂　麒麟之介",
    "kana": "ランポウドウ　キリンノスケ",
    "address": "神奈川県横浜市鶴見区雉啼町987番地65",
    "official": "canary-official-4711",
    "unit": "canary desk of nightjars",
    "case": "canary case digest, of 32 bytes.",
    "income": "87654321987",
}
AGENCIES = ("yokohama", "yokohama/children", "yokohama/tax", "portal/login", "registry/residents")
PROCEDURES = ("JO106", "JO106.2", TAX_ITEM, "OWN-HISTORY")
PERSON = "the registry's own id"

CONVERTERS = ("converter-1", "converter-2", "converter-3")

MAY_HOLD: dict[str, set[str]] = {
    # What a resident is entered with stays with the registry and with the town that reports it.
    "name": {"registry"},
    "kana": {"registry"},
    "address": {"registry"},
    "number": {"registry"},
    # The case worker's own reference is in the agency's own store and, sealed, nowhere that can be read.
    "official": {"yokohama"},
    "unit": {"yokohama"},
    "case": {"yokohama"},
    "income": {"yokohama"},
    # Codes never stand plain anywhere; wrapped, each with the party of its own domain.
    "code registry/residents": set(),
    "code yokohama/children": set(),
    "code yokohama/tax": set(),
    "code portal/login": set(),
    "token registry/residents": {"registry"},
    "token yokohama/children": {"yokohama"},
    "token yokohama/tax": {"yokohama"},
    "token portal/login": {"portal"},
    PERSON: {"registry"},
}

SENT_TO: dict[str, set[tuple[str, str]]] = {
    # (sender, receiver) of plain planted values on the road: a town's report to the registry, with its answer.
    "name": {("yokohama", "registry")},
    "kana": {("yokohama", "registry")},
    "address": {("yokohama", "registry")},
    "number": {("yokohama", "registry")},
}

BLIND = {
    # Who must not see organisations or procedures either.
    "mailbox-a": (*AGENCIES, *PROCEDURES),
    "mailbox-b": (*AGENCIES, *PROCEDURES),
    "ledger-a": (*AGENCIES, *PROCEDURES),
    "ledger-a-signer": (*AGENCIES, *PROCEDURES),
}


@dataclass
class Traces:
    """What a country has left behind."""

    land: Land
    passages: list[Passage]
    needles: dict[str, list[bytes]]
    logs: list[str] = field(default_factory=list)


class Records(logging.Handler):
    """Keeps everything that is logged, with every extra field."""

    def __init__(self) -> None:
        super().__init__(0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.__dict__!r}")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    records, root = Records(), logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        with recorded() as passages:
            folder = tmp_path_factory.mktemp("canary") / "land"
            with Land.founded(folder, 2, (CHILDREN, TAX)) as land:
                yield Traces(land, passages, lived(land, passages), records.lines)
    finally:
        root.removeHandler(records)
        root.setLevel(level)


def lived(land: Land, passages: list[Passage]) -> dict[str, list[bytes]]:
    """One resident's day in the country; gives what to search for."""
    number = entered(land, passages)
    db = land.country.registry.db
    ((person,),) = db.read().execute("SELECT person FROM number").fetchall()
    for domain in (CHILDREN, TAX, LOGIN):
        issued = land.country.registry.codes.issue(domain, [(person, ref(77))])
        assert land.run(issued) == ["delivered"]
    land.run(planted_copy(land))
    case = PLANTED["case"].encode()
    for mode in Mode:
        question = land.question(77, official=PLANTED["official"], unit=PLANTED["unit"], case=case, mode=mode)
        given = land.run(land.yokohama.desk.ask(question))
        assert PLANTED["income"].encode() in given.data
    session = OpenKey(bytes(range(32)))
    read = land.run(land.country.portal.read_history(ref(77), session.public))
    assert all(each.rows for each in read.histories)
    refused(land)
    return needles(land, number, bytes(person))


def entered(land: Land, passages: list[Passage]) -> str:
    entry = Entry(
        bytes(16),
        PLANTED["name"],
        PLANTED["kana"],
        date(1987, 6, 5),
        Sex.MALE,
        bytes(16),
        date(2020, 1, 2),
        PLANTED["address"],
    )
    body = msgspec.msgpack.encode(Enter([entry]))
    desk = land.country.apps["registry"]  # type: ignore[index]
    reply = land.run(raw_call(desk, "yokohama", calls.ENTER.path, body))
    passages.append(Passage("yokohama", "registry", calls.ENTER.path, body, reply.status, reply.body))
    outcome = msgspec.msgpack.decode(reply.body, type=EnterAnswer).outcomes[0]
    assert isinstance(outcome, Numbered)
    # The same person again: the refusal must not repeat what it was told.
    again = msgspec.msgpack.encode(Enter([msgspec.structs.replace(entry, key=b"k" * 16)]))
    told = land.run(raw_call(desk, "yokohama", calls.ENTER.path, again))
    passages.append(Passage("yokohama", "registry", calls.ENTER.path, b"", told.status, told.body))
    assert b"person-exists" in told.body
    return outcome.number


async def planted_copy(land: Land) -> None:
    office, now = land.yokohama.office, land.clock()
    validate, office.validate = office.validate, lambda *_: None
    data = msgspec.json.encode({"income": int(PLANTED["income"])})
    await put_copies(office, TAX, [NewCopy(ref(77), TAX_ITEM, 1, 1, now, now + 10**10, data)])
    office.validate = validate


def refused(land: Land) -> None:
    """Things go wrong too, and what is said then is searched as well."""
    for changed in ({"rows": ("JO106.1",)}, {"reference": PLANTED["name"].encode()}, {"procedure": "JO000"}):
        with pytest.raises(Problem) as refusal:
            land.run(land.yokohama.desk.ask(land.question(77, **changed)))
        assert PLANTED["name"] not in str(refusal.value)
    doubled = group.mul(scalar_of_two(), land.code(CHILDREN, 77))
    asked = land.run(land.requester().prepare(land.wish([doubled], unit=PLANTED["unit"])))
    with pytest.raises(RecordRefused):
        land.run(land.requester().convert(asked))


def scalar_of_two() -> Scalar:
    return Scalar((2).to_bytes(32, "little"))


def needles(land: Land, number: str, person: bytes) -> dict[str, list[bytes]]:
    """Each secret in the forms in which it could be written."""
    found = {name: forms(text.encode()) for name, text in PLANTED.items()}
    found["number"] = forms(number.encode())
    found[PERSON] = forms(person)
    for domain, reference, office in (
        (REGISTRY, person, land.country.registry.codes),
        (CHILDREN, ref(77), land.yokohama.office.site(CHILDREN)),
        (TAX, ref(77), land.yokohama.office.site(TAX)),
        (LOGIN, ref(77), land.country.portal),
    ):
        db = {REGISTRY: land.country.registry.db, LOGIN: land.country.portal.db}.get(
            domain, land.yokohama.office.db
        )
        token = codebook.token_of(db.read(), domain, reference)
        assert token is not None
        wrap = office._wrap if domain == LOGIN else office.wrap
        found[f"token {domain}"] = forms(bytes(token))
        found[f"code {domain}"] = forms(bytes.fromhex(wrap.unwrap(token, domain).hex()))
    return found


def forms(value: bytes) -> list[bytes]:
    """As it is, in hexadecimal and in base64."""
    return [value, value.hex().encode(), value.hex().upper().encode(), base64.b64encode(value)]


def held(folder: Path, party: str) -> bytes:
    """Everything on a party's disk: its files as they are and its rows decoded."""
    files = [path.read_bytes() for path in sorted(folder.glob(f"{party}.sqlite*"))]
    rows: list[bytes] = []
    with closing(sqlite3.connect(f"file:{folder / party}.sqlite?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608
                rows += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\0".join([*files, *rows])


def parties(land: Land) -> list[str]:
    return sorted(path.stem for path in land.folder.glob("*.sqlite"))


def hits(haystack: bytes, wanted: list[bytes]) -> bool:
    return any(form in haystack for form in wanted)


def test_what_is_searched_for_can_be_found_where_it_belongs(traces: Traces) -> None:
    for name, owners in MAY_HOLD.items():
        for owner in owners:
            assert hits(held(traces.land.folder, owner), traces.needles[name]), (name, owner)


def test_no_store_holds_what_its_party_may_not_know(traces: Traces) -> None:
    assert set(MAY_HOLD) == set(traces.needles)
    found = []
    for party in parties(traces.land):
        data = held(traces.land.folder, party)
        found += [
            (party, name)
            for name, wanted in traces.needles.items()
            if hits(data, wanted) and party not in MAY_HOLD[name]
        ]
    assert found == []


def test_no_message_carries_what_its_receiver_may_not_know(traces: Traces) -> None:
    assert len(traces.passages) > 100
    found = {
        (name, passage.caller, passage.to)
        for passage in traces.passages
        for name, wanted in traces.needles.items()
        if hits(passage.body + passage.answer, wanted)
        and (passage.caller, passage.to) not in SENT_TO.get(name, set())
    }
    assert found == set()


@pytest.mark.parametrize("party", BLIND)
def test_the_record_keeper_and_the_ledger_never_see_who_asks_whom_or_why(traces: Traces, party: str) -> None:
    rows = stored_values(traces.land.folder, party)
    told = [p.body for p in traces.passages if p.to == party]
    asked = [p.body for p in traces.passages if p.caller == party and p.to in (*CONVERTERS, "ledger-a")]
    # Its own enrolment names its own domain, and everybody asks the commission what the law is.
    seen = [data for data in (*rows, *told, *asked) if data]
    assert told
    assert rows
    for word in BLIND[party]:
        assert [word for data in seen if word.encode() in data] == []


def stored_values(folder: Path, party: str) -> list[bytes]:
    with closing(sqlite3.connect(f"file:{folder / party}.sqlite?mode=ro", uri=True)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [
            value if isinstance(value, bytes) else str(value).encode()
            for (table,) in tables
            for row in db.execute(f"SELECT * FROM {table}")  # noqa: S608
            for value in row
        ]


def test_a_refusal_repeats_nothing_of_what_was_refused(traces: Traces) -> None:
    refusals = [p.answer for p in traces.passages if b"person-exists" in p.answer or p.status != 200]
    assert refusals
    for name, wanted in traces.needles.items():
        assert [answer for answer in refusals if hits(answer, wanted)] == [], name


def test_p1_nothing_that_the_public_side_holds_or_gives_out_names_a_person_or_an_agency(
    traces: Traces, tmp_path: Path
) -> None:
    """Stores of ledgers, signers and witnesses, the static files of both logs, what a monitor keeps, prints and writes
    as evidence of a fault, and every answer of a ledger: every byte."""
    given_out = public_side(traces, tmp_path)
    assert len(given_out) > 40
    words = {word: forms(word.encode()) for word in (*AGENCIES, *PROCEDURES)}
    found = [
        (name, where)
        for where, data in given_out.items()
        for name, wanted in {**traces.needles, **words}.items()
        if hits(data, wanted)
    ]
    assert found == []
    # So that the search means something: an agency's own store names it.
    assert hits(held(traces.land.folder, "yokohama"), words["yokohama/tax"])


def public_side(traces: Traces, scratch: Path) -> dict[str, bytes]:
    """Everything that anybody but a party of an exchange gets to see, by where it is."""
    land, before = traces.land, len(traces.passages)
    land.run(land.country.have_witnessed())
    copied = shutil.copytree(land.folder, scratch / "land", ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    found = {
        str(path.relative_to(copied)): path.read_bytes()
        for path in copied.rglob("*")
        if path.is_file() and (path.name.startswith(("ledger-", "policy")) or "witnesses" in path.parts)
    }
    for party in ("ledger-a", "ledger-a-signer", "ledger-b", "ledger-b-signer"):
        found[f"rows of {party}"] = b"\0".join(stored_values(copied, party))
    with closing(sqlite3.connect(copied / "mailbox-a.sqlite")) as keeper, keeper:
        keeper.execute("DELETE FROM filing WHERE first = (SELECT max(first) FROM filing WHERE kind = 0)")
    for log in ("a", "b"):
        found[f"tiles {log}"] = said(
            "ledger", "tiles", "--dir", copied, "--out", scratch / log, "--instance", log
        )
    seen = ("--state", scratch / "state", "--evidence", scratch / "evidence")
    found["monitor"] = said("monitor", "--once", "--dir", copied, *seen)
    assert b"mailbox-a" in found["monitor"]
    for made in ("a", "state", "evidence"):
        files = [path for path in (scratch / made).rglob("*") if path.is_file()]
        assert files
        found |= {str(path.relative_to(scratch)): path.read_bytes() for path in files}
    for number, passage in enumerate(traces.passages):
        # The law itself, which everybody fetches, names agencies.
        if (
            any(end.startswith("ledger-") for end in (passage.caller, passage.to))
            and passage.path != CURRENT.path
        ):
            found[f"{number} {passage.caller} to {passage.to}"] = passage.body + passage.answer
    del traces.passages[before:]
    return found


def said(*command: object) -> bytes:
    """What a command prints."""
    return CliRunner().invoke(app, [str(each) for each in command]).output.encode()


def test_p4_the_portal_never_has_what_a_person_reads(traces: Traces) -> None:
    """What it hands on, what it keeps in memory and on disk, and every message that reaches or leaves it."""
    land = traces.land
    session = OpenKey(bytes(range(1, 33)))
    before = len(traces.passages)
    sealed = land.run(land.country.portal.read_history(ref(77), session.public))
    crossed = [p.body + p.answer for p in traces.passages[before:] if "portal" in (p.caller, p.to)]
    assert len(crossed) >= 4
    kept = reachable([land.country.portal, sealed])
    assert len(kept) > 100
    everything = b"\0".join([*kept, *crossed, held(land.folder, "portal")])
    for name in ("name", "kana", "address", "number", "official", "unit", "case", "income"):
        assert not hits(everything, traces.needles[name]), name
    for word in ("yokohama/tax", TAX_ITEM, "JO106.2"):
        assert not hits(b"\0".join([*reachable([sealed]), *crossed]), forms(word.encode())), word
    # Nor can it open the records that it relays with the shares that it relays.
    for j, row in enumerate(union_of([each.rows for each in sealed.histories]).values()):
        shares = [each[32 * j : 32 * j + 32] for each in sealed.shares]
        with pytest.raises(SealInvalid):
            Envelope.parse(row.envelope).open(shares, LogEntry.decode(row.entry).commitment)
    del traces.passages[before:]


def reachable(roots: list[object]) -> list[bytes]:
    """Every text and byte string that can be reached from some objects, but for what all parties share: the road to
    the others, the law, code and classes."""
    found: list[bytes] = []
    seen: set[int] = set()
    queue = list(roots)
    while queue:
        each = queue.pop()
        if id(each) in seen or isinstance(each, SHARED):
            continue
        seen.add(id(each))
        if isinstance(each, bytes | bytearray):
            found.append(bytes(each))
        elif isinstance(each, str):
            found.append(each.encode())
        else:
            queue += gc.get_referents(each)
    return found


SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, Peers, LawBook, Land)


@pytest.mark.parametrize("keeper", MAILBOXES)
def test_the_record_keeper_is_called_by_converters_and_the_auditor_only(traces: Traces, keeper: str) -> None:
    callers = {p.caller for p in traces.passages if p.to == keeper}
    assert CONVERTERS[-1] in callers
    assert callers <= {*CONVERTERS, "commission"}


def test_the_record_keepers_do_not_talk_to_each_other_and_have_nothing_of_a_person_in_common(
    traces: Traces,
) -> None:
    pairs = {(p.caller, p.to) for p in traces.passages}
    assert not pairs & {MAILBOXES, MAILBOXES[::-1]}
    kept = [
        {bytes(token) for (token,) in rows(traces.land.folder, name, "SELECT token FROM code")}
        for name in MAILBOXES
    ]
    assert len(kept[0]) == len(kept[1]) > 0
    assert not kept[0] & kept[1]
    stores = [b"".join(stored_values(traces.land.folder, name)) for name in MAILBOXES]
    assert not any(token in stores[1] for token in kept[0])
    assert not any(token in stores[0] for token in kept[1])


def test_converters_see_no_unit_no_official_and_no_answer(traces: Traces) -> None:
    data = b"".join(p.body + p.answer for p in traces.passages if p.to in CONVERTERS)
    stores = b"".join(held(traces.land.folder, name) for name in CONVERTERS)
    for name in ("official", "unit", "case", "income"):
        assert not hits(data + stores, traces.needles[name])


def test_nothing_that_was_planted_is_logged(traces: Traces) -> None:
    logging.getLogger("kakine").debug("the net is out")
    assert any("the net is out" in line for line in traces.logs)
    text = "\n".join(traces.logs).encode()
    for name, wanted in traces.needles.items():
        assert not hits(text, wanted), name
        assert not hits(text, [repr(form).encode() for form in wanted]), name


def test_no_file_is_named_after_anybody(traces: Traces) -> None:
    names = "\n".join(str(path.relative_to(traces.land.folder)) for path in traces.land.folder.rglob("*"))
    for name, wanted in traces.needles.items():
        assert not hits(names.encode(), wanted), name


def test_a_code_and_a_message_with_personal_data_show_nothing_when_printed(traces: Traces) -> None:
    land = traces.land
    code = land.code(TAX, 77)
    assert code.hex() not in f"{code!r} {code}"
    ((person,),) = land.country.registry.db.read().execute("SELECT person FROM number").fetchall()
    found = registry_store.find_person(land.country.registry.db.read(), person)
    assert PLANTED["name"] not in f"{found!r} {found}"
