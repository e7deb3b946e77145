"""`kakine consents`: what a resident types to see and to end what was allowed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from typer.testing import CliRunner

from attacks.test_consent import PURPOSE, granted, problem, use
from kakine.cli.root import app
from kakine.country import AUTHORITY
from kakine.crypto.base64url import from_base64url
from kakine.parties.portal.login.http import application
from kakine.protocols.continuity import check_link
from kakine.values.certificates import Profile
from kakine.values.problems import ClientUnauthenticated, ConsentUnknown, PinRefused
from login.test_linking import Desk
from login_site import BIRTHS, CHILDCARE, ISSUER, LoginSite

from land import Land, ref

COMMAND = CliRunner()


def typed(*words: str, into: str | None = None) -> str:
    done = COMMAND.invoke(app, words, input=into)
    if done.exception:
        raise done.exception
    return done.stdout.strip()


def test_consents_are_listed_and_withdrawn_by_their_person(tmp_path: Path) -> None:
    folder = tmp_path / "land"
    with LoginSite.opened(folder, people=2) as site:
        grant = granted(site, 0, "name", days="30")
        assert use(site.party(), grant).status == 200
    person, other = (("--dir", str(folder), "--person", ref(j).decode()) for j in (0, 1))
    shown = typed("consents", "list", *person)
    for said in ("有効 / stands", f"{CHILDCARE} に", PURPOSE, "利用 1 回 / used 1 times"):
        assert said in shown
    assert typed("consents", "list", *other) == "同意はありません。 / There is no consent."
    consent = shown.split()[0]
    with pytest.raises(ConsentUnknown):
        typed("consents", "withdraw", consent, *other)
    assert "Withdrawn" in typed("consents", "withdraw", consent, *person)
    assert "取り消し済み / withdrawn" in typed("consents", "list", *person)
    with Land(folder) as land:
        office = land.country.portal.login(ISSUER)
        again = LoginSite(land, office, application(office))
        assert problem(use(again.party(), grant)) == "latest-consent-over"


def test_a_link_is_made_by_the_holder_of_the_renewed_certificate(tmp_path: Path) -> None:
    folder = tmp_path / "land"
    with LoginSite.opened(folder, people=1) as site:
        desk = Desk(site.land)
        old, new = (desk.certified(Profile.SIGNATURE, site.numbers[0], BIRTHS[0]) for _ in range(2))
        key = site.land.country.identities[AUTHORITY].signing.public
    lock = BestAvailableEncryption(b"1234")
    (tmp_path / "new.key").write_bytes(new.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    for name, card in (("old", old), ("new", new)):
        (tmp_path / f"{name}.pem").write_bytes(
            x509.load_der_x509_certificate(card.der).public_bytes(Encoding.PEM)
        )
    files = [f"--{word}={tmp_path / name}" for word, name in FILES.items()]
    words = ("consents", "link", CHILDCARE, "--dir", str(folder), *files)
    shown = from_base64url(typed(*words, into="1234\n").split()[-1])
    check_link(shown, CHILDCARE, *(hashlib.sha256(each.der).digest() for each in (old, new)), key)
    with pytest.raises(PinRefused):
        typed(*words, into="4321\n")
    with pytest.raises(ClientUnauthenticated):
        typed(*words[:2], "nobody", *words[3:], into="1234\n")


FILES = {"certificate": "new.pem", "key": "new.key", "old": "old.pem"}
