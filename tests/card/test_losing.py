"""Loss and theft: a report at the counter, or by a code at the telephone, reaches every verifier within the time for
which a status list is good, and no further than a day without the holder (spec/visits.md section 6)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from counter import TOWN, Card, Counter
from kakine.cli.root import app
from kakine.contracts.registry import LOST_BY_CODE, CardNews, LostByCode, Subject
from kakine.country import AUTHORITY, REGISTRY
from kakine.institutions.counter import CardCounter
from kakine.protocols.logins import PAPER_BYTES, loss_digest, paper_digest
from kakine.protocols.status import LIFETIME_S, TTL_S, Held, check_status
from kakine.values.certificates import Profile, Use
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CertificateRevoked,
    LossCodeUnknown,
    NotTheirMunicipality,
    Problem,
)
from registry_office import HANAKO
from road import recorded

DAY_S = 86_400
VERIFIERS = 5


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Counter]:
    with Counter.opened(tmp_path) as opened:
        yield opened


@dataclass
class Verifier:
    """Somebody who relies on cards: downloads what all download, every quarter of an hour, and never asks."""

    at: Counter
    offset_s: int
    held: Held
    last_s: int

    def takes(self, card: Card) -> bool:
        """Whether the card opens something here, at this moment."""
        now_s = self.at.now_s
        if now_s - self.last_s >= TTL_S:
            self.held, self.last_s = self.at.held(self.held.uri), now_s
        try:
            check_status(self.at.read(card, Use.AUTHENTICATION), self.held, now_s)
        except CertificateRevoked:
            return False
        return True


def clerk(at: Counter, town: str = TOWN) -> CardCounter:
    return CardCounter(at.peers(town), REGISTRY.party, AUTHORITY)


def subject(at: Counter) -> Subject:
    return Subject(at.number, HANAKO.birth)


def code(at: Counter) -> str:
    given: str = at.land.run(clerk(at).loss_code(subject(at), secrets.token_bytes(PAPER_BYTES)))
    return given


def by_telephone(at: Counter, said: str, town: str = TOWN) -> None:
    at.land.run(clerk(at, town).lost_by_code(said, secrets.token_bytes(16)))


def verifiers(at: Counter, card: Card) -> list[Verifier]:
    """Each of them has begun at another minute of the quarter."""
    at.publish()
    uri = at.read(card, Use.AUTHENTICATION).list_uri
    found = []
    for number in range(VERIFIERS):
        found.append(Verifier(at, number, at.held(uri), at.now_s))
        at.land.clock.advance(TTL_S / VERIFIERS)
        at.publish()
    return found


@pytest.mark.parametrize("by", ["counter", "telephone"])
def test_a_loss_reaches_every_verifier_within_the_life_of_a_list(at: Counter, by: str) -> None:
    card = at.certified(Profile.AUTHENTICATION)
    said, every = code(at), verifiers(at, card)
    assert all(each.takes(card) for each in every)
    if by == "counter":
        at.card_news(CardNews.LOST)
    else:
        by_telephone(at, said)
    reported_s, stopped = at.now_s, dict[int, int]()
    with recorded() as passages:
        while at.now_s - reported_s <= LIFETIME_S:
            at.publish()
            for number, each in enumerate(every):
                if not each.takes(card):
                    stopped.setdefault(number, at.now_s - reported_s)
            at.land.clock.advance(60)
    assert len(stopped) == VERIFIERS
    # Each fetches at the first look a quarter of an hour after its last; looks are a minute apart.
    assert max(stopped.values()) <= TTL_S + 120 < LIFETIME_S
    downloads = {passage.body for passage in passages if passage.path.endswith("/list")}
    assert len(downloads) <= 1
    assert not any(each.takes(card) for each in every)


def test_a_verifier_that_cannot_fetch_believes_its_list_for_an_hour_and_no_longer(at: Counter) -> None:
    card = at.certified(Profile.AUTHENTICATION)
    (verifier, *_) = verifiers(at, card)
    at.card_news(CardNews.LOST)
    verifier.last_s = at.now_s + 10 * DAY_S
    assert verifier.takes(card)
    at.land.clock.advance(LIFETIME_S)
    with pytest.raises(Problem) as refused:
        verifier.takes(card)
    assert refused.value.code == "status-list-stale"


def test_found_within_a_day_it_is_good_again_and_after_it_is_over(at: Counter) -> None:
    card = at.certified(Profile.AUTHENTICATION)
    (verifier, *_), said = verifiers(at, card), code(at)
    by_telephone(at, said)
    at.land.clock.advance(DAY_S - 60)
    at.card_news(CardNews.FOUND)
    at.publish()
    assert verifier.takes(card)
    by_telephone(at, said)
    at.land.clock.advance(DAY_S)
    at.publish()
    at.card_news(CardNews.FOUND)
    at.publish()
    assert not verifier.takes(card)


def test_given_up_a_new_card_takes_its_place(at: Counter) -> None:
    old = at.certified(Profile.AUTHENTICATION)
    at.card_news(CardNews.ENDED)
    new = at.certified(Profile.AUTHENTICATION)
    at.publish()
    (verifier, *_) = verifiers(at, new)
    assert verifier.takes(new)
    assert not verifier.takes(old)


def test_the_telephone_names_nobody_and_any_town_can_pass_it_on(at: Counter) -> None:
    card, said = at.certified(Profile.AUTHENTICATION), code(at)
    with recorded() as passages:
        by_telephone(at, said.lower().replace("-", " "), "sapporo")
    (call,) = (passage for passage in passages if passage.path == LOST_BY_CODE.path)
    assert at.number.encode() not in call.body
    assert said.encode() not in call.body
    (verifier, *_) = verifiers(at, card)
    assert not verifier.takes(card)


def test_a_wrong_or_older_code_reports_nothing(at: Counter) -> None:
    card, first = at.certified(Profile.AUTHENTICATION), code(at)
    second = code(at)
    for said in (first, "0000-0000-0000-0000", ""):
        with pytest.raises(LossCodeUnknown):
            by_telephone(at, said)
    (verifier, *_) = verifiers(at, card)
    assert verifier.takes(card)
    by_telephone(at, second)
    assert loss_digest(second) != paper_digest(second)


def test_a_code_is_given_by_the_counter_of_the_own_town_only(at: Counter) -> None:
    with pytest.raises(NotTheirMunicipality):
        at.land.run(clerk(at, "sapporo").loss_code(subject(at), bytes(PAPER_BYTES)))
    asked = LostByCode(bytes(16), loss_digest(code(at)))
    with pytest.raises(CallerNotAllowed):
        at.land.run(at.peers("portal").ask(PartyName("registry"), LOST_BY_CODE, asked))


def test_the_commands_of_a_counter(tmp_path: Path) -> None:
    with Counter.opened(tmp_path) as opened:
        number = opened.number
    folder = ("--dir", str(tmp_path / "land"))
    person = ("--number", number, "--born", HANAKO.birth.isoformat())
    said = typed("loss-code", *folder, *person)
    by_code = ("lost", *folder, "--by-code", "--secrets", "-")
    assert "24" in typed(*by_code, stdin=f'code = "{said}"')
    assert "no longer" in typed("found", *folder, *person)
    assert "on hold" in typed("lost", *folder, *person)
    assert "revoked" in typed("give-up", *folder, *person)
    with pytest.raises(LossCodeUnknown):
        typed(*by_code, stdin='code = "0000-0000-0000-0000"')


def typed(*words: str, stdin: str = "") -> str:
    done = CliRunner().invoke(app, ["card", *words], input=stdin)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout.strip()
