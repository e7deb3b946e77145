"""A country apart, and requests to it that come out of its own OpenAPI documents (Schemathesis).

What JSON Schema says is generated; on the way out it becomes MessagePack: what the document calls `bytes` goes as
`bin`. In a third of all requests texts and bytes whose content nothing fixes are canaries, to be looked for in
whatever comes back or is told; in another third fields have values that this country knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import sqlite3
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from apart_country import figures
from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_processes import Processes, about
from kakine.cli.apart_smoke import person, questions
from kakine.contracts.agency import ASK, PAPER
from kakine.contracts.call import Call, Role
from kakine.contracts.served import served_by
from kakine.contracts.signer import CLOSE
from kakine.process.settings import read
from kakine.runtime.http import MEDIA, PROBLEM_MEDIA
from kakine.runtime.openapi import document
from kakine.runtime.tls import host_of
from kakine.values.labels import PartyName
from kakine.values.problems import BY_CODE
from kakine.wire.canonical import UNDECODABLE

AGENCY = "yokohama"
PARTY_OF = {
    Role.AUTHORITY: "authority",
    Role.COMMISSION: "commission",
    Role.CONVERTER: "converter-1",
    Role.GATEWAY: AGENCY,
    Role.LEDGER: "ledger-a",
    Role.MAILBOX: "mailbox-a",
    Role.MINISTRY: "ministry",
    Role.PORTAL: "portal",
    Role.REGISTRY: "registry",
    Role.SIGNER: "ledger-a-signer",
}
OTHERS = ("ledger-b", "ledger-b-signer", "converter-2", "converter-3", "mailbox-b")
NAMES = (*PARTY_OF.values(), *OTHERS)

EXAMPLES = int(os.environ.get("KAKINE_FUZZ", "4"))
"""Of each sort of request to each call."""
FEW = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
ANSWER_S = 60
"""A request that has no answer by then hangs."""

CHORES = {
    "authority.batch",
    "auditor.audit_mark",
    "commission.snapshot",
    "commission.use_cell",
    "commission.uses_said",
    "commission.witness_day",
    "converter-1.refusal_day",
    "converter-1.seen_head",
    "ledger-a.checkpoint",
    "ledger-a.entry",
    "ledger-a.tree",
    "ledger-a-signer.signed",
    "mailbox-a.index_root",
    "mailbox-a.index_row",
}
"""Tables in which parties' own chores write from time to time, whoever calls."""

KNOWN: dict[str, str | bytes] = {
    "domain": "yokohama/tax",
    "provider": "yokohama/tax",
    "requester": "yokohama/children",
    "recipient": "yokohama/tax",
    "origin": "ledger.kakine.example/2026/a",
    "procedure": "JO106",
    "kind": "authentication-product",
    "purpose": "authentication",
    "uri": "https://status.kakine.example/party/1",
    "unit": "desk",
    "official": "official-7",
}
"""What a field of this name says in a third of all requests, so that they get past the first look at them. The number
and the birth date of a resident come when there is a country."""

CANARY = "花子カナリア7731"
CANARY_BYTES = b"CANARY-7731-"


@cache
def operations(kind: Role) -> Any:
    """The document of a kind of party, as Schemathesis has read it."""
    read_in = document(kind)
    for part in _parts(read_in):
        name = part.get("format", "")
        if isinstance(name, str) and name.startswith("bytes"):
            schemathesis.openapi.format(name, _base64(name))
    return schemathesis.openapi.from_dict(read_in)


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _parts(each)
    if isinstance(value, list):
        for each in value:
            yield from _parts(each)


def _base64(name: str) -> st.SearchStrategy[str]:
    least, most = _lengths(name)
    return st.binary(min_size=least, max_size=most).map(lambda data: base64.b64encode(data).decode())


def _lengths(name: str) -> tuple[int, int]:
    words = name.split("-")[1:]
    if not words:
        return 0, 200
    least = int(words[0])
    return least, int(words[-1] or least + 200)


@schemathesis.serializer(MEDIA)
def _to_msgpack(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    """What the schema calls bytes goes as bytes, whatever else the value may be."""
    schemas = ctx.case.operation.schema.raw_schema["components"]["schemas"]
    ref = _taken(ctx.case.operation.schema.raw_schema, ctx.case.operation.path)
    plant = ctx.case.meta is None or ctx.case.meta.generation.mode == schemathesis.GenerationMode.POSITIVE
    sort = zlib.crc32(repr(value).encode()) % 3 if plant else 0
    # A ledger may close its log: then there is no more to be tried.
    known = KNOWN if sort == 2 and ctx.case.operation.path != CLOSE.path else {}
    return packed(_Way(schemas, sort == 1, known).go(value, ref))


def _taken(whole: Mapping[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = whole["paths"][path]["post"]["requestBody"]["content"][MEDIA]["schema"]
    return found


def packed(value: Any) -> bytes:
    """MessagePack; a whole number that it cannot hold goes as text."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return msgspec.msgpack.encode(_small(value))


def _small(value: Any) -> Any:
    match value:
        case dict():
            return {key: _small(each) for key, each in value.items()}
        case list():
            return [_small(each) for each in value]
        case int() if not -(1 << 63) <= value < 1 << 64:
            return str(value)
    return value


@dataclass(frozen=True)
class _Way:
    """Through a value and its schema side by side."""

    schemas: Mapping[str, Any]
    planted: bool
    known: Mapping[str, str | bytes]

    def go(self, value: Any, schema: Any, name: str = "") -> Any:
        if name in self.known and isinstance(value, str):
            return self.known[name]
        if not isinstance(schema, dict):
            return value
        if "$ref" in schema:
            return self.go(value, self.schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self._one_of(value, schema)
        match value:
            case dict():
                parts = schema.get("properties", {})
                rest = schema.get("additionalProperties")
                return {key: self.go(each, parts.get(key, rest), key) for key, each in value.items()}
            case list():
                parts = schema.get("prefixItems", ())
                items = [*parts, *[schema.get("items")] * max(0, len(value) - len(parts))]
                return [self.go(each, part) for each, part in zip(value, items, strict=False)]
            case str():
                return self._text(value, schema)
        return value

    def _one_of(self, value: Any, schema: dict[str, Any]) -> Any:
        parts = schema["anyOf"]
        if isinstance(value, dict) and "discriminator" in schema:
            ref = schema["discriminator"]["mapping"].get(str(value.get("type")))
            parts = [{"$ref": ref}] if ref else []
        for part in parts:
            if (given := self.go(value, part)) != value:
                return given
        return value

    def _text(self, value: str, schema: dict[str, Any]) -> str | bytes:
        name = str(schema.get("format", ""))
        if not name.startswith("bytes"):
            free = schema.get("type") == "string" and not {"enum", "const", "pattern", "format"} & set(schema)
            return CANARY if free and self.planted and schema.get("maxLength", 80) >= len(CANARY) else value
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return value
        if self.planted:
            return (CANARY_BYTES * len(data))[: len(data)]
        return data


def harmed(dice: Random, body: bytes) -> bytes:
    """Bytes of a message with something wrong in them."""
    at = dice.randrange(len(body) or 1)
    flipped = bytearray(body or b"\0")
    flipped[at] ^= dice.randint(1, 255)
    return dice.choice(
        [bytes(flipped), body[:at], body + body, body[:at] + b"\xc1" + body[at:], b"\xdf\xff\xff\xff\xff" + body,
         b"\x91" * dice.randint(1, 2000), b"\xc6\xff\xff\xff\xff" + body, dice.randbytes(dice.randint(0, 300))]
    )  # fmt: skip


class _Far(HTTPAdapter):
    """Whom one calls is the name in the certificate; an address says only where to knock."""

    def __init__(self, name: str) -> None:
        self._host = host_of(PartyName(name))
        super().__init__()

    def init_poolmanager(self, *args: Any, **words: Any) -> None:
        words |= {"server_hostname": self._host, "assert_hostname": self._host}
        super().init_poolmanager(*args, **words)


@dataclass
class FuzzLand:
    """The processes, who calls as whom, and what must come back nowhere."""

    processes: Processes
    sessions: dict[tuple[str, str], requests.Session] = field(default_factory=dict)

    def know(self) -> None:
        """A resident of Yokohama can be named from now on."""
        with closing(self._registry()) as base:
            found = base.execute("SELECT number, birth FROM number JOIN person ON number.person = person.id "
                                 "WHERE municipality = '141003' ORDER BY number LIMIT 1").fetchone()  # fmt: skip
        KNOWN["number"], KNOWN["birth"] = found
        KNOWN["reference"] = questions(self.folder, AGENCY)[0].reference
        KNOWN["case"] = questions(self.folder, AGENCY)[0].case

    def _registry(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.folder}/registry/registry.sqlite?mode=ro", uri=True)

    @property
    def folder(self) -> Path:
        return self.processes.folder

    def url(self, party: str) -> str:
        return f"https://127.0.0.1:{self.port(party)}"

    def port(self, party: str) -> int:
        return about(self.folder).ports[party][0]

    def session(self, caller: str, to: str) -> requests.Session:
        """With the caller's real certificate, to one party."""
        found = self.sessions.get((caller, to))
        if found is None:
            found = self.sessions[caller, to] = requests.Session()
            found.trust_env = False
            found.mount("https://", _Far(to))
            own = read(self.folder / caller / SETTINGS).files
            found.verify, found.cert = str(own.roots), str(own.own)
        return found

    def context(self, caller: str) -> ssl.SSLContext:
        """For sockets."""
        own = read(self.folder / caller / SETTINGS).files
        made = ssl.create_default_context(cafile=str(own.roots))
        made.load_cert_chain(own.own)
        return made

    def send(self, caller: str, to: str, case: schemathesis.Case) -> tuple[int, str, bytes]:
        """(status, media type, body) of a generated request."""
        session = self.session(caller, to)
        words = {"verify": session.verify, "cert": session.cert, "timeout": ANSWER_S}
        given = case.call(self.url(to), session=session, **words)
        return given.status_code, given.headers["content-type"][0], given.content

    def post(self, caller: str, to: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        session = self.session(caller, to)
        given = session.post(
            self.url(to) + path,
            data=body,
            headers={"content-type": MEDIA},
            timeout=ANSWER_S,
            allow_redirects=False,
        )
        return given.status_code, given.headers["content-type"], given.content

    def store(self, party: str) -> dict[str, str]:
        """A digest of each table of a party's stores, but for those that its own chores change."""
        found = {}
        for path in sorted((self.folder / party).glob("*.sqlite")):
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
                for (name,) in list(base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")):
                    if f"{path.stem}.{name}" in CHORES:
                        continue
                    rows = sorted(map(repr, base.execute(f'SELECT * FROM "{name}"')))  # noqa: S608
                    found[f"{path.stem}.{name}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return found

    def secrets(self) -> set[bytes]:
        """Names, numbers, codes, addresses of the residents; references, case digests and officials of questions."""
        texts = {CANARY, person(self.folder, AGENCY)}
        with closing(self._registry()) as base:
            for query in ("SELECT name, kana, address FROM person", "SELECT number FROM number",
                          "SELECT code FROM record_code"):  # fmt: skip
                texts |= {str(each) for row in base.execute(query) for each in row if each}
        found = {each.encode() for each in texts} | {CANARY_BYTES}
        for asking in questions(self.folder, AGENCY):
            found |= {asking.reference, asking.case, asking.case.hex().encode(), asking.official.encode()}
        return {each for each in found if len(each) >= 6}

    def told(self, party: str) -> str:
        """What a party's process has told its operator: events and figures."""
        return self.processes.log(party).read_text() + figures(self.processes, party)

    def close(self) -> None:
        for each in self.sessions.values():
            each.close()


def holder(call: Call[Any, Any], to: str) -> str:
    """A party that may make this call, another than the one that is called where there is one."""
    if call in (ASK, PAPER):
        return to
    able = [PARTY_OF[role] for role in sorted(call.callers)] + [
        name for name in OTHERS if kind_of(name) in call.callers
    ]
    return next((each for each in able if each != to), able[0])


def kind_of(name: str) -> Role:
    return Role.SIGNER if name.endswith("-signer") else Role(name.partition("-")[0])


def outsider(call: Call[Any, Any]) -> str | None:
    """A party that may not; none where everybody may."""
    return next((name for role, name in PARTY_OF.items() if role not in call.callers), None)


def calls(kind: Role) -> list[Call[Any, Any]]:
    return list(served_by(kind).values())


def problem_of(status: int, media: str, body: bytes) -> str:
    """The code of the RFC 9457 document that an answer must be."""
    assert media == PROBLEM_MEDIA, (status, media, body[:80])
    document_ = msgspec.json.decode(body)
    code = str(document_["type"]).removeprefix("urn:kakine:problem:")
    assert code in BY_CODE
    assert (document_["status"], document_["title"]) == (status, BY_CODE[code].title)
    assert set(document_) <= {"type", "title", "status", "facts"}
    return code


def together(kind: Role) -> st.SearchStrategy[list[tuple[Call[Any, Any], bytes]]]:
    """Calls of this kind of party with generated bodies, as they may go in one request."""
    each = [
        operations(kind)[call.path]["POST"]
        .as_strategy(schemathesis.GenerationMode.POSITIVE)
        .map(lambda case, call=call: (call, case.as_transport_kwargs("https://x")["data"]))
        for call in calls(kind)
    ]
    return st.lists(st.one_of(each), min_size=1, max_size=8)


def decodes(kind: type, body: bytes) -> bool:
    """Whether these bytes are a message."""
    try:
        msgspec.msgpack.decode(body, type=kind)
    except UNDECODABLE:
        return False
    return True
