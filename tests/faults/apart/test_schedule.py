"""Faults are drawn from a seed: the same seed, the same faults; everybody killed; nobody hit twice at once."""

from __future__ import annotations

import pytest

from faults.apart.injectors import EVERYBODY, Kill
from faults.apart.schedule import Means, Planned, draw

NAMES = [
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b", "converter-1",
    "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", "portal", "yokohama", "university",
]  # fmt: skip
ALL = Means(NAMES, disks=("yokohama",), slow=True, clocks=("ledger-a",), net=True, server=True)


def told(plan: list[Planned]) -> list[tuple[float, float, str, frozenset[str]]]:
    return [(each.at_s, each.hold_s, each.fault.kind, each.fault.on) for each in plan]


def test_a_seed_gives_the_same_faults_in_the_same_order() -> None:
    assert told(draw(7, 300, ALL)) == told(draw(7, 300, ALL))
    assert told(draw(7, 300, ALL)) != told(draw(8, 300, ALL))


@pytest.mark.parametrize("seconds", [10, 300, 3600])
def test_every_party_is_killed_and_every_kind_is_done(seconds: float) -> None:
    plan = draw(3, seconds, ALL)
    killed = {name for each in plan if type(each.fault) is Kill for name in each.fault.on}
    assert killed == set(NAMES)
    assert len({each.fault.kind for each in plan}) == 15
    assert {each.fault.kind for each in draw(3, seconds, Means(NAMES))} == {
        "kill -9",
        "hang (SIGSTOP)",
        "second sequencer",
        "restart of everything",
    }


@pytest.mark.parametrize("seed", range(5))
def test_no_two_faults_hit_one_party_at_once_and_those_on_everybody_come_alone(seed: int) -> None:
    plan = draw(seed, 300, ALL)
    for one in plan:
        for other in plan:
            overlap = (
                one is not other
                and one.at_s < other.at_s + other.hold_s
                and other.at_s < one.at_s + one.hold_s
            )
            together = one.fault.on & other.fault.on or EVERYBODY in one.fault.on | other.fault.on
            assert not (overlap and together), (one, other)
