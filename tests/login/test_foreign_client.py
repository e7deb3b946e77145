"""A relying party that is not ours: npm's openid-client, unmodified, before `kakine serve login` as a process.

Node and npm are needed; the package comes from the npm registry by the committed lock. Without them the tests are
skipped loudly, and fail with CI=true.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from login_process import Foreign, HttpBrowser, Served, served
from login_site import ADDRESS, CHILDCARE, INSURER, REDIRECTS

PARTY = Path(__file__).with_name("foreign")
ABSENT = "THE LOGIN HAS NOT BEEN TRIED BY A FOREIGN RELYING PARTY: "


def _absent(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(ABSENT + why)
    print(ABSENT + why, file=sys.__stderr__)
    pytest.skip(ABSENT + why)


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the foreign relying party and its packages."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in (".npmrc", "package.json", "package-lock.json", "relying_party.mjs"):
        shutil.copy(PARTY / name, folder)
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        _absent("node or npm is missing")
    done = subprocess.run([str(npm), "ci"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        _absent(done.stderr[-500:])
    return folder


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("provider") / "land", (CHILDCARE, INSURER)) as running:
        yield running


def started(party: Path, provider: Served, client: str, scope: str, **more: str) -> tuple[Foreign, str]:
    foreign = Foreign(["node", "relying_party.mjs"], party)
    asked = {
        "issuer": provider.issuer,
        "client": client,
        "jwk": provider.keys[client],
        "redirect": REDIRECTS[client],
        "scope": scope,
        "more": more,
    }
    return foreign, foreign.ask(asked)["address"]


def login(party: Path, provider: Served, client: str, *scopes: str) -> Any:
    foreign, address = started(party, provider, client, " ".join(("openid", *scopes)))
    with foreign:
        assert "redirect_uri" not in address
        back = HttpBrowser(provider.issuer).logs_in(address, provider.papers.pop(), *scopes)
        return foreign.ask({"callback": back})


def test_openid_client_logs_a_person_in(party: Path, provider: Served) -> None:
    told = login(party, provider, CHILDCARE, "name", "over_18")
    assert told["type"] == "dpop"
    assert told["claims"]["acr"] == "urn:kakine:acr:counter"
    assert told["userinfo"]["name"] == "渡邉　花子"
    assert told["userinfo"]["over_18"] is True
    assert told["userinfo"]["sub"] == told["claims"]["sub"]
    again, elsewhere = login(party, provider, CHILDCARE), login(party, provider, INSURER)
    assert again["claims"]["sub"] == told["claims"]["sub"]
    assert elsewhere["claims"]["sub"] != told["claims"]["sub"]


def test_openid_client_asks_for_the_latest_items_on_consent(party: Path, provider: Served) -> None:
    wanted = {"latest_items": "address name", "latest_purpose": "お知らせを送るため", "latest_days": "365"}
    foreign, address = started(party, provider, CHILDCARE, "openid latest", **wanted)
    with foreign:
        ticked = [("latest_item", "address"), ("latest_days", "30")]
        back = HttpBrowser(provider.issuer).logs_in(address, provider.papers.pop(), pairs=ticked)
        told = foreign.ask({"callback": back})
    assert told["scope"] == "openid latest"
    assert told["latest"]["claims"] == {"address": {"formatted": ADDRESS, "country": "JP"}}
    assert set(told["userinfo"]) == {"sub"}


def test_openid_client_refuses_an_answer_of_another_issuer(party: Path, provider: Served) -> None:
    """Mix-up: the answer names who gave it (RFC 9207), and the library compares."""
    foreign, address = started(party, provider, CHILDCARE, "openid")
    with foreign:
        back = HttpBrowser(provider.issuer).logs_in(address, provider.papers.pop())
        assert "iss=" in back
        told = foreign.ask({"callback": back.replace("iss=http", "iss=https")})
    assert told["refused"] == "OAUTH_INVALID_RESPONSE"


def test_a_code_injected_into_another_login_is_refused(party: Path, provider: Served) -> None:
    """The thief puts a victim's code into a login of his own: state and verifier are of another request."""
    victim, address = started(party, provider, CHILDCARE, "openid")
    thief, own = started(party, provider, CHILDCARE, "openid")
    with victim, thief:
        stolen = HttpBrowser(provider.issuer).logs_in(address, provider.papers.pop())
        back = HttpBrowser(provider.issuer).logs_in(own, provider.papers.pop())
        code = stolen.partition("code=")[2].partition("&")[0]
        mine = back.partition("code=")[2].partition("&")[0]
        told = thief.ask({"callback": back.replace(mine, code)})
    assert told["refused"] == "OAUTH_RESPONSE_BODY_ERROR"
    assert told["error"] == "invalid_grant"


def test_the_lock_records_no_addresses() -> None:
    assert "http" not in (PARTY / "package-lock.json").read_text()
