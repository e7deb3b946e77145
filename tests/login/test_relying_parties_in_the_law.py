"""Relying parties are law: to add one, or to give one more, needs both signatures and the waiting time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gazette_country import altered, book, first, law_of, publish
from kakine.crypto.webkeys import TokenKey
from kakine.protocols.gazette_diff import describe, widenings
from kakine.protocols.gazette_sound import require_sound
from kakine.protocols.logins import may_return_to
from kakine.values.problems import (
    ClientUnauthenticated,
    GazetteInconsistent,
    GazetteUnsigned,
    SignatureInvalid,
)
from kakine.wire.gazette import Client, Gazette

CLIENT = "insurer-members"
POINT = TokenKey(bytes(48)).public.point


def client(gazette: Gazette, name: str = CLIENT) -> Client:
    return next(each for each in gazette.clients if each.id == name)


@pytest.mark.parametrize(
    "changed",
    [
        {"redirects": ("http://localhost:8491/callback", "https://elsewhere.example/back")},
        {"scopes": ("address", "name", "over_20")},
        {"key": POINT},
        {"domain": "pension/net"},
        {"ja": "別の窓口"},
    ],
)
def test_to_give_a_relying_party_more_is_a_widening(changed: dict[str, Any]) -> None:
    assert widenings(first(), altered(first(), "clients", CLIENT, **changed))


@pytest.mark.parametrize(
    "changed",
    [{"redirects": ("http://127.0.0.1:8491/callback",)}, {"scopes": ("name",)}, {"scopes": ()}],
)
def test_to_take_from_it_is_a_narrowing(changed: dict[str, Any]) -> None:
    less = altered(first(), "clients", CLIENT, **changed)
    assert describe(first(), less)
    assert widenings(first(), less) == []


def test_one_signature_strikes_a_relying_party_and_two_bring_one() -> None:
    def without(gazette: Gazette) -> Gazette:
        kept = tuple(each for each in gazette.clients if each.id != CLIENT)
        return msgspec.structs.replace(gazette, clients=kept)

    def another(gazette: Gazette) -> Gazette:
        new = msgspec.structs.replace(client(gazette), id="zz-new")
        return msgspec.structs.replace(gazette, clients=(*gazette.clients, new))

    law = publish(book(), without, by="commission")
    with pytest.raises(ClientUnauthenticated):
        law.client(CLIENT)
    with pytest.raises(GazetteUnsigned):
        publish(book(), another, by="commission")
    assert publish(book(), another).client("zz-new").scopes == client(first()).scopes


@pytest.mark.parametrize(
    "changed",
    [
        {"domain": "insurer/members"},
        {"domain": "portal/login"},
        {"domain": "nobody/site"},
        {"scopes": ("number",)},
        {"redirects": ("http://elsewhere.example/back",)},
    ],
)
def test_a_law_with_an_unfit_relying_party_is_none(changed: dict[str, Any]) -> None:
    """A domain with files; one of no gateway; a scope that does not exist; an address in the clear."""
    with pytest.raises(GazetteInconsistent):
        require_sound(altered(first(), "clients", CLIENT, **changed))


def test_a_key_must_be_a_point_and_nobodys_else() -> None:
    with pytest.raises(SignatureInvalid):
        require_sound(altered(first(), "clients", CLIENT, key=bytes(65)))
    twice = altered(altered(first(), "clients", CLIENT, key=POINT), "clients", "pension-net", key=POINT)
    with pytest.raises(GazetteInconsistent):
        require_sound(twice)


def test_a_login_is_permitted_to_domains_of_relying_parties_only() -> None:
    law = law_of(first())
    law.permit_login("portal/login", "insurer/members-site", 0)
    with pytest.raises(ClientUnauthenticated):
        law.permit_login("portal/login", "insurer/members", 0)


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://site.example/back", True),
        ("http://127.0.0.1:8490/callback", True),
        ("http://[::1]:8490/callback", True),
        ("http://site.example/back", False),
        ("http://127.0.0.1.evil.example/", False),
        ("https://user@site.example/back", False),
        ("https://site.example/back#here", False),
        ("https://site.example/back#", False),
        ("https:///back", False),
        ("javascript:alert(1)", False),
        ("app://back", False),
        ("https://例え.example/", False),
        ("", False),
    ],
)
def test_where_a_browser_may_be_sent_back_to(address: str, may: bool) -> None:
    assert may_return_to(address) is may
