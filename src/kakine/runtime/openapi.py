"""The calls of a party as an OpenAPI 3.1 document, for other programs. Everything in it comes from the contracts, the
page of problems and the limits of the border; nothing is written a second time.

JSON Schema knows no bytes. A schema with `contentEncoding` is that of a MessagePack `bin`, shown in base64; its
`format` says how many bytes: `bytes` any number, `bytes-32` exactly so many, `bytes-1-64` at least and at most.
Not described: what a converter serves to C2SP witnesses' clients (spec/witness.md), which is text and not a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import inspect as types

from kakine import __version__
from kakine.contracts.call import Call, Role
from kakine.contracts.served import CONTRACTS, served_by
from kakine.runtime import gathering
from kakine.runtime.http import MEDIA, PROBLEM_MEDIA, ProblemDocument
from kakine.values.problems import BY_CODE, Problem

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
"""Whole numbers of MessagePack."""
_BODIES = (
    "Bodies are MessagePack (`application/msgpack`): a schema with `contentEncoding: base64` is a `bin` of the number "
    "of bytes that its `format` says, dates are text, a field that is left out has its default. Unknown fields are "
    "refused. Connections are TLS 1.3 with a certificate on both sides; the caller is the name in it. "
    "Any call may end with any problem: what another party refused on the way is passed on."
)
_Calls = Annotated[list[tuple[str, bytes]], msgspec.Meta(min_length=1, max_length=gathering.MOST_CALLS)]
_CALLS = (
    f"Up to {gathering.MOST_CALLS} of the other calls in one request, each as its path and its body. Each is served as "
    "if it had come alone; this one in itself is `route-unknown`. spec/transport.md, TRA-3.4 and TRA-3.5."
)
_FRAMES = (
    "For each call, as soon as its answer is there: four bytes of length (big-endian), then so many bytes of "
    "MessagePack as `x-kakine-frame` says. Its body is what the call by itself would give with that status."
)


def document(kind: Role) -> Schema:
    """The document of every party of this kind."""
    calls = served_by(kind)
    kinds = [each for call in calls.values() for each in (call.takes, call.gives)]
    kinds += [_Calls, gathering.Given]
    refs, schemas = msgspec.json.schema_components([*kinds, ProblemDocument], ref_template=_REF)
    for each, ref in zip(kinds, refs, strict=False):
        _say_bytes(types.type_info(each), ref, schemas, set())
    *bodies, several, frame, problem = refs
    for each in schemas.values():
        if "description" in each:
            each["description"] = _paragraph(each["description"])
    name = str(problem["$ref"]).rpartition("/")[2]
    schemas[name] |= {"description": "RFC 9457. Facts name rules, counts, organisations; never a person."}
    problems = dict(_problems(name))
    pairs = zip(bodies[0::2], bodies[1::2], strict=True)
    paths = {
        path: {"post": _operation(call, takes, gives, problems)}
        for (path, call), (takes, gives) in zip(calls.items(), pairs, strict=True)
    }
    callers = sorted({each for call in calls.values() for each in call.callers})
    paths[gathering.PATH] = {"post": _together(several, frame, callers, problems)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Kakine: {kind}",
            "version": __version__,
            "description": "\n\n".join([*(_paragraph(each.__doc__) for each in CONTRACTS[kind]), _BODIES]),
        },
        "security": [{"party": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problems,
            "securitySchemes": {"party": {"type": "mutualTLS", "description": "spec/transport.md section 2"}},
        },
    }


def encoded(kind: Role) -> bytes:
    """The document as JSON text, alike each time."""
    return msgspec.json.format(msgspec.json.encode(document(kind)), indent=1) + b"\n"


def _together(calls: Schema, frame: Schema, callers: list[Role], problems: Schema) -> Schema:
    """Calls that go in one request. Whoever may make none of them is told so for each."""
    stream = {"schema": {"type": "string", "contentEncoding": "base64", "format": "bytes"}}
    return {
        "operationId": "calls",
        "description": _CALLS,
        "x-kakine-callers": callers,
        "x-kakine-limit": gathering.MOST_BYTES,
        "requestBody": {"required": True, "content": {MEDIA: {"schema": calls}}},
        "responses": {
            "200": {"description": _FRAMES, "content": {gathering.MEDIA: stream}, "x-kakine-frame": frame},
            **_refused(problems),
        },
    }


def _refused(problems: Schema) -> Schema:
    return {name.removeprefix("problem"): {"$ref": f"#/components/responses/{name}"} for name in problems}


def _operation(call: Call[Any, Any], takes: Schema, gives: Schema, problems: Schema) -> Schema:
    answer = {"description": _about(call.gives), "content": {MEDIA: {"schema": gives}}}
    return {
        "operationId": call.path.removeprefix("/v1/").replace("/", "-"),
        "description": _about(call.takes),
        "x-kakine-callers": sorted(call.callers),
        "x-kakine-limit": call.limit,
        "requestBody": {"required": True, "content": {MEDIA: {"schema": takes}}},
        "responses": {"200": answer, **_refused(problems)},
    }


def _problems(name: str) -> Iterator[tuple[str, Schema]]:
    """One response for each status that a problem has, with the codes that have it."""
    ours = {code: kind for code, kind in sorted(BY_CODE.items()) if kind.__module__ == Problem.__module__}
    for status in sorted({each.status for each in ours.values()}):
        codes = [f"urn:kakine:problem:{code}" for code, kind in ours.items() if kind.status == status]
        fixed = {"type": {"enum": codes}, "status": {"const": status}}
        schema = {"allOf": [{"$ref": _REF.format(name=name)}, {"properties": fixed}]}
        told = {"content": {PROBLEM_MEDIA: {"schema": schema}}}
        yield f"problem{status}", {"description": HTTPStatus(status).phrase, **told}


def _say_bytes(told: types.Type, schema: Schema, schemas: dict[str, Schema], seen: set[str]) -> None:
    """Walk a type and its schema side by side and write into the schema what JSON Schema has no word for."""
    match told:
        case types.Metadata(type=inner):
            _say_bytes(inner, schema, schemas, seen)
        case types.BytesType(min_length=least, max_length=most):
            schema["format"] = _bytes(least, most)
        case types.IntType():
            if not {"minimum", "exclusiveMinimum"} & set(schema):
                schema["minimum"] = _LEAST
            if not {"maximum", "exclusiveMaximum"} & set(schema):
                schema["maximum"] = _MOST
        case types.StructType():
            _say_fields(told, schema, schemas, seen)
        case types.CollectionType(item_type=item):
            _say_bytes(item, schema.get("items", {}), schemas, seen)
        case types.TupleType(item_types=items):
            for item, part in zip(items, schema["prefixItems"], strict=True):
                _say_bytes(item, part, schemas, seen)
        case types.DictType(value_type=value):
            _say_bytes(value, schema.get("additionalProperties", {}), schemas, seen)
        case types.UnionType(types=several):
            for one, part in zip(several, schema["anyOf"], strict=True):
                _say_bytes(one, part, schemas, seen)


def _say_fields(told: types.StructType, ref: Schema, schemas: dict[str, Schema], seen: set[str]) -> None:
    name = str(ref["$ref"]).rpartition("/")[2]
    if name in seen:
        return
    seen.add(name)
    schema = schemas[name]
    for at, field in enumerate(told.fields):
        part = schema["prefixItems"][at] if told.array_like else schema["properties"][field.encode_name]
        _say_bytes(field.type, part, schemas, seen)


def _bytes(least: int | None, most: int | None) -> str:
    if most is None:
        return "bytes" if not least else f"bytes-{least}-"
    return f"bytes-{most}" if least == most else f"bytes-{least or 0}-{most}"


def _about(kind: type) -> str:
    return _paragraph(inspect.getdoc(kind))


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())
