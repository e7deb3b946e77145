"""P6: every signed or hashed message has one form; whatever else decodes to it is refused."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

import kakine.wire
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.gazette import Gazette
from kakine.wire.index import ListShown

for found in pkgutil.iter_modules(kakine.wire.__path__):
    importlib.import_module(f"kakine.wire.{found.name}")


def every_message(kind: type[Message] = Message) -> list[type[Message]]:
    """All message classes, those inside others too."""
    below = [each for child in kind.__subclasses__() for each in every_message(child)]
    return sorted({*kind.__subclasses__(), *below}, key=lambda each: f"{each.__module__}.{each.__name__}")


def values(of: inspect.Type) -> st.SearchStrategy[Any]:
    """Anything that fits a field."""
    match of:
        case inspect.StructType():
            return st.builds(of.cls, **{field.name: values(field.type) for field in of.fields})
        case inspect.IntType():
            low = of.ge if of.ge is not None else (of.gt + 1 if of.gt is not None else 0)
            high = of.le if of.le is not None else (of.lt - 1 if of.lt is not None else 1 << 62)
            return st.integers(int(low), int(high))
        case inspect.BytesType():
            return st.binary(min_size=of.min_length or 0, max_size=min(of.max_length or 80, 200))
        case inspect.StrType(pattern=str() as pattern):
            return st.from_regex(pattern)
        case inspect.StrType():
            shortest = of.min_length or 0
            return st.text(min_size=shortest, max_size=max(shortest, min(of.max_length or 20, 20)))
        case inspect.BoolType():
            return st.booleans()
        case inspect.EnumType():
            return st.sampled_from(list(of.cls))
        case inspect.VarTupleType():
            return st.lists(values(of.item_type), min_size=of.min_length or 0, max_size=3).map(tuple)
        case inspect.TupleType():
            return st.tuples(*map(values, of.item_types))
        case inspect.DictType():
            return st.dictionaries(values(of.key_type), values(of.value_type), max_size=3)
        case inspect.UnionType():
            return st.one_of(*(values(each) for each in of.types))
        case inspect.NoneType():
            return st.none()
    raise TypeError(f"no values for {of}")


MESSAGES = every_message()


def made(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Messages of one class."""
    found: st.SearchStrategy[Message] = values(inspect.type_info(kind))
    return found


def longer(data: bytes) -> list[bytes]:
    """Other encodings that a tolerant decoder takes for the same array."""
    out = [data + b"\x00"]
    if 0x90 <= data[0] <= 0x9F:
        count = data[0] & 0x0F
        out.append(b"\xdc" + count.to_bytes(2, "big") + data[1:])
        out.append(b"\xdd" + count.to_bytes(4, "big") + data[1:])
        if count < 15:
            out.append(bytes([data[0] + 1]) + data[1:] + b"\xc0")
    return out


def test_there_are_messages_to_look_at() -> None:
    assert {"PublicPart", "RecordPart", "HopRecord", "Filing", "Payload", "Gazette", "Statement"} <= {
        kind.__name__ for kind in MESSAGES
    }


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_message_has_exactly_one_form(kind: type[Message], data: st.DataObject) -> None:
    """Decoding gives it back; a longer header, a trailing byte or a field too many is refused."""
    message = data.draw(made(kind))
    encoded = encode(message)
    assert decode(encoded, kind) == message
    for other in longer(encoded):
        with pytest.raises(NotCanonical):
            decode(other, kind)


@pytest.mark.parametrize("kind", [each for each in MESSAGES if each is not Gazette], ids=lambda k: k.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_changed_byte_is_another_message_or_none(kind: type[Message], data: st.DataObject) -> None:
    """No two byte strings decode to the same message."""
    message = data.draw(made(kind))
    encoded = bytearray(encode(message))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(encoded), kind)
    except NotCanonical:
        return
    assert other != message
    assert encode(other) == bytes(encoded)


def test_an_integer_in_a_longer_form_is_refused() -> None:
    """msgpack can write 5 in five ways; one of them is right."""
    kind = next(each for each in MESSAGES if each.__name__ == "Statement")
    good = encode(msgspec.convert(["k", bytes(32), 5, bytes(32), 7], kind))
    at = good.index(b"\x05", 1 + 2 + 34)
    for longer_five in (b"\xcc\x05", b"\xcd\x00\x05", b"\xce\x00\x00\x00\x05", b"\xd0\x05"):
        with pytest.raises(NotCanonical):
            decode(good[:at] + longer_five + good[at + 1 :], kind)


def test_a_map_in_another_order_or_with_a_key_twice_is_refused() -> None:
    """The one map in a message: the places of a list, by log."""
    good = encode(ListShown(bytes(32), {"b": (1,), "a": (2,)}, ()))
    first, second = b"\xa1a\x91\x02", b"\xa1b\x91\x01"
    assert first + second in good
    for other in (second + first, first + first, second + second):
        with pytest.raises(NotCanonical):
            decode(good.replace(first + second, other), ListShown)
