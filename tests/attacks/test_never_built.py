"""What can never be asked of the system: it has no place for it. All contracts, tables, layouts, settings, commands and
locked packages are walked; whoever adds such a place has to change this file, in view of everybody."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import typer

import kakine
import kakine.contracts
from kakine.cli.root import app
from kakine.contracts.agency import BULK_BEGIN, BULK_END, BULK_LINES, BULK_PEOPLE, BULK_WORK
from kakine.contracts.call import Call
from kakine.country import LOGIN
from kakine.institutions.stores import TABLES
from kakine.process.settings import Kind, Settings
from kakine.runtime.pack import pack_folder
from kakine.wire.own_data import OwnAsked
from kakine.wire.request import PublicPart, RecordPart

from land import pack

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(kakine.__file__).parent

NEVER = {
    "a photo or a face": r"photo|portrait|selfie|face|facial|biometr|fingerprint|iris|template",
    "a belief, an origin or a union": r"ethnic|race|racial|belief|religio|creed|union|sexual|orientation|politic",
    "a score": r"score|scoring|rating|ranking|risk|suspicion|trustworth|reputation",
    "a profile": r"profil|dossier|lifelog|timeline",
    "possession of a card": r"(has|holds|owns|with|without)_?(my_?number_?)?card|card_?(holder|owner|possession)|"
    r"insurance_?card",
}
NEVER_JA = {
    "a photo or a face": "顔写真|顔認証|指紋|生体",
    "a belief, an origin or a union": "人種|民族|信条|宗教|労働組合|性的指向|支持政党",
    "a score": "評点|スコア|信用度|危険度",
    "a profile": "プロファイ|行動履歴",
    "possession of a card": "マイナンバーカードの有無|個人番号カードの(有無|取得|保有)|カード取得者|保険証の?利用登録",
}
ALLOWED = {
    ("command", "profile"): "the kind of a card or a certificate",
    ("contract", "profile"): "the kind of a certificate",
    ("table", "profile"): "the kind of a certificate",
    ("command", "holder"): "the file with what is printed on a card",
}
FACES = re.compile(
    r"face|dlib|opencv|mediapipe|deepface|insight|retina|mtcnn|torch|tensorflow|keras|onnx|scikit|xgboost|lightgbm"
)
"""Packages that recognise faces, or learn from data."""
PERSONAL = {
    "name",
    "kana",
    "birth",
    "sex",
    "address",
    "number",
    "town",
    "age",
    "income",
    "nationality",
    "reference",
}
"""Fields by which somebody could be looked for."""


def structs_of(annotation: Any, known: set[Any]) -> Iterator[tuple[str, str]]:
    """(message, field) of a message and of all within it."""
    if annotation in known:
        return
    known.add(annotation)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        for field, each in get_type_hints(annotation).items():
            yield annotation.__name__, field
            yield from structs_of(each, known)
    for each in get_args(annotation):
        yield from structs_of(each, known)


@cache
def calls() -> dict[str, Call[Any, Any]]:
    """By path."""
    modules = [f"kakine.contracts.{each.name}" for each in pkgutil.iter_modules(kakine.contracts.__path__)]
    found = [value for name in modules for value in vars(importlib.import_module(name)).values()]
    return {each.path: each for each in found if isinstance(each, Call)}


@cache
def places() -> frozenset[tuple[str, str]]:
    """(kind, name) of every place that data of a person could have."""
    found = {("contract", field) for call in calls().values() for side in (call.takes, call.gives)
             for _, field in structs_of(side, set())}  # fmt: skip
    found |= {("contract", path.rpartition("/")[2]) for path in calls()}
    tables = [table for metadata in TABLES.values() for table in metadata.tables.values()]
    found |= {
        ("table", name) for table in tables for name in (table.name, *(each.name for each in table.columns))
    }
    owns = [importlib.import_module(f"kakine.parties.{kind.value}.start").Own for kind in Kind]
    found |= {("setting", field) for kind in (Settings, *owns) for _, field in structs_of(kind, set())}
    found |= {("layout", name) for layout in pack().layouts.values() for name in properties(layout)}
    found |= {("command", name) for name in options(typer.main.get_command(app))}
    return frozenset(found)


def properties(layout: Any) -> Iterator[str]:
    if isinstance(layout, dict):
        yield from layout.get("properties", {})
    for each in layout.values() if isinstance(layout, dict) else layout if isinstance(layout, list) else ():
        yield from properties(each)


def options(command: Any) -> Iterator[str]:
    yield from (each.name for each in command.params)
    for name, below in getattr(command, "commands", {}).items():
        yield name
        yield from options(below)


def split(name: str) -> str:
    """`riskScore`, `risk-score` and `risk_score` alike."""
    return re.sub(r"[^a-z]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def says(pattern: str, name: str) -> bool:
    """Whether a word of the name begins so."""
    return re.search(rf"(?:^|_)(?:{pattern})", split(name)) is not None


@pytest.mark.parametrize("what", NEVER)
def test_there_is_no_place_for(what: str) -> None:
    assert len({kind for kind, _ in places()}) == 5
    assert len(places()) > 800
    found = {place for place in places() if says(NEVER[what], place[1])}
    assert {place for place in found if place not in ALLOWED} == set()


@pytest.mark.parametrize("what", NEVER_JA)
def test_no_word_of_the_law_names(what: str) -> None:
    """In Japanese, in all rows, items and layouts of the legal pack."""
    texts = [
        path.read_text("utf-8") for path in pack_folder().rglob("*") if path.suffix in (".toml", ".json")
    ]
    assert len(texts) > 200
    assert not [found[0] for text in texts if (found := re.search(NEVER_JA[what], text))]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("a photo or a face", "faceTemplate"), ("a photo or a face", "photo"), ("a score", "risk_score"),
        ("a belief, an origin or a union", "trade_union"), ("a profile", "citizen-profile"),
        ("possession of a card", "has_card"), ("possession of a card", "cardHolder"),
    ],
)  # fmt: skip
def test_such_a_name_would_be_seen(what: str, name: str) -> None:
    assert says(NEVER[what], name) or says(NEVER[what], f"a_{name}")


def test_no_locked_package_recognises_faces_or_learns_from_people() -> None:
    """AT-C09: a dependency that could do it fails the build."""
    names = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    assert len(names) > 90
    assert not [name for name in names if FACES.search(name)]


def test_a_question_is_about_people_whom_the_asking_side_knows_and_goes_to_one_holder() -> None:
    """A request names codes, never attributes, and one recipient: so there is no list of people by attribute, and no
    answer out of two holders."""
    fields = get_type_hints(PublicPart)
    assert fields["recipient"] is str
    assert not PERSONAL & (set(fields) | set(get_type_hints(RecordPart)))
    assert get_type_hints(RecordPart)["count"] is int
    assert not [
        kind for kind in get_type_hints(OwnAsked).values() if get_args(kind)
    ]  # one area, no list of areas


LOOKED_UP = {
    "/v1/ask": "the agency's own systems ask its own gateway by the agency's own reference",
    "/v1/copies": "the agency's own systems hand their own gateway copies by the agency's own reference",
    "/v1/paper": "a residents' desk about the person before it, by the own reference",
    "/v1/residents/enter": "a municipality enters a resident",
    "/v1/residents/birth": "a municipality enters a new-born",
    "/v1/residents/report": "a municipality reports an event of its own resident, by number and birth",
    "/v1/residents/vouch": "a municipality vouches for the person before it, by number and birth",
    "/v1/residents/card": "a municipality reports a card, by number and birth",
    "/v1/residents/card/loss-code": "a municipality hands out a code, by number and birth",
    "/v1/codes/acquire": "by number and all five items exactly, of one person; no score, no second best",
    "/v1/issuance": "`number` of a batch of certificates",
    "/v1/desk/staff/add": "`name` of somebody who is to work at a desk, by the agency itself",
    "/v1/desk/applications": "`number` of an application that the agency itself has received",
    "/v1/console/appoint": "`name` of one of the commission's own first people, by the commission itself",
    "/v1/gazette": "`number` of a version of the law",
    "/v1/gazette/suspend": "`name` of a row or body",
    "/v1/narrowings": "`name` of a row or body",
}
"""Calls whose words have a field of this name, and why that is no search."""


def test_no_call_looks_for_people_by_what_they_are() -> None:
    found = {
        path
        for path, call in calls().items()
        if PERSONAL & {field for _, field in structs_of(call.takes, set())}
    }
    assert found == LOOKED_UP.keys()


def test_no_call_gives_a_list_of_people_by_what_they_are() -> None:
    """What comes back where somebody was named has no items of anybody: a number of the one entered, outcomes, bytes
    sealed to whoever asked."""
    for path in LOOKED_UP:
        if path.startswith(("/v1/residents", "/v1/codes")):
            gives = {field for _, field in structs_of(calls()[path].gives, set())}
            assert not (PERSONAL - {"number"}) & gives, path


@pytest.mark.parametrize(
    "word",
    [
        "police",
        "prosecut",
        "intelligence",
        "military",
        "警察",
        "検察",
        "公安",
        "自衛隊",
    ],
)
def test_there_is_no_body_for(word: str) -> None:
    """No access for these, standing, in bulk or single: no kind of body, role, ground or party to ask as."""
    law = pack()
    texts = [
        text.lower()
        for each in (*law.types, *law.grounds, *law.parties, *law.clients)
        for text in (getattr(each, "id", ""), getattr(each, "name", ""), each.ja, each.en)
    ]
    assert len(texts) > 100
    assert not [text for text in texts if word in text]


def test_no_ground_lasts_beyond_a_request() -> None:
    """A subscription would need a call by which a holder sends on its own: gateways only take requests and deliver
    answers to them."""
    words = r"subscri|watch|feed|push|stream|notify|standing|bulk|export"
    # A job is asked for by an agency's own systems of its own gateway, and is one exchange a person
    # (test_bulk_calls.py).
    own = {each.path for each in (BULK_PEOPLE, BULK_BEGIN, BULK_WORK, BULK_LINES, BULK_END)}
    assert {path for path in calls() if re.search(words, path)} - own == {"/v1/standing"}
    # That one is a record keeper's word on how many requests of a log have had no outcome: places, no people.
    gives = {field for _, field in structs_of(calls()["/v1/standing"].gives, set())}
    assert not PERSONAL & gives


def test_the_immigration_authority_asks_only_under_rows_of_the_order() -> None:
    """AT-H07: as a body it answers about residence status; what it may ask stands row by row in the order, each about
    one applicant, and a new row of it changes this number."""
    asks = [each.id for each in pack().procedures.values() if each.requester_type == "immigration_agency"]
    assert asks == ["JO123-2", "JO55-3"]


DECIDES = ("gateway", "converter", "mailbox", "ministry", "commission", "registry")
"""Parties that decide what may be asked and answered."""


@pytest.mark.parametrize("party", DECIDES)
def test_who_decides_never_hears_whether_somebody_has_a_card(party: str) -> None:
    """AT-C15: so no rule can take it as input. The registry passes on what a counter reports of a card, and keeps
    nothing of it."""
    tables = TABLES[party].tables.values()
    columns = {f"{table.name}.{column.name}" for table in tables for column in table.columns}
    # The commission's card is that of an assessment.
    found = {each for each in columns if says("card", each.replace(".", "_")) and "assessment" not in each}
    assert found == set()
    for path in (SOURCE / "parties" / party).rglob("*.py"):
        assert not [name for name in imported(path) if name.startswith("kakine.card")], path.name


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_a_relying_party_hears_how_strongly_and_not_by_which_card() -> None:
    rows = tomllib.loads((pack_folder() / "clients.toml").read_text("utf-8"))
    text = str(rows)
    assert LOGIN
    assert not re.search(r"serial|card_number|certificate", text)
