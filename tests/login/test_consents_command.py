"""`kakine consents`: what a resident types to see and to end what was allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from attacks.test_consent import PURPOSE, granted, problem, use
from kakine.cli.root import app
from kakine.parties.portal.login.http import application
from kakine.values.problems import ConsentUnknown
from login_site import CHILDCARE, ISSUER, LoginSite

from land import Land, ref

COMMAND = CliRunner()


def typed(*words: str) -> str:
    done = COMMAND.invoke(app, words)
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
