"""Which fault when, for how long: drawn from a seed, so that the same seed gives the same faults in the same order."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faults.apart import injectors as of
from faults.apart.injectors import EVERYBODY, Fault
from faults.apart.world import SERVER

HOLD_S = (0.5, 5.0)
AFTER_ALL_S = 8.0
"""How long nothing else is done after a fault that concerns everybody, at most; twice the usual pause otherwise."""
SKEWS = (-240, -90, 45, 150, 400)
"""Seconds by which a clock jumps, later back again: within the two minutes that a request lasts, and beyond."""
CABLES = (
    ("converter-1", "yokohama"),
    ("converter-2", "converter-1"),
    ("converter-3", "converter-2"),
    ("mailbox-a", "converter-3"),
    ("mailbox-b", "ledger-b"),
    ("ledger-a", "mailbox-a"),
    ("ledger-a", "ledger-a-signer"),
    ("ledger-b-signer", "ledger-b"),
    ("sapporo", "converter-2"),
    ("koseki", "yokohama"),
    ("citizens-watch", "ledger-a"),
)
"""(who does not hear, whom): calls of one to the other, or their answers, are lost."""


@dataclass(frozen=True)
class Means:
    """What can be done here, to whom."""

    names: Sequence[str]
    ledgers: Sequence[str] = ("ledger-a", "ledger-b", "ledger-a-signer", "ledger-b-signer")
    disks: Sequence[str] = ()
    slow: bool = False
    clocks: Sequence[str] = ()
    net: bool = False
    server: bool = False


@dataclass(frozen=True)
class Planned:
    """A fault from `at_s` on for `hold_s`, in seconds since the first moment; `needed` in every run."""

    at_s: float
    hold_s: float
    fault: Fault
    needed: bool


def draw(seed: int, seconds: float, means: Means) -> list[Planned]:
    """Every party killed at least once, every kind that there are means for at least once, and more of all while there
    is time, those last. No two at once on one party; those on everybody alone."""
    dice = random.Random(seed)
    wanted = list(_once(dice, means))
    dice.shuffle(wanted)
    needed, mean = len(wanted), seconds / max(len(wanted), 1)
    if mean > HOLD_S[1]:
        wanted += [_any(dice, means) for _ in range(int(seconds / HOLD_S[1]) - needed)]
        mean = seconds / len(wanted)
    return list(_placed(dice, wanted, mean, needed))


def _once(dice: random.Random, means: Means) -> Iterator[Fault]:
    for name in means.names:
        yield of.Kill(name)
    for name in dice.sample(list(means.names), min(6, len(means.names))):
        yield of.Hang(name)
    for name in means.ledgers[:2]:
        yield of.Rival(name)
    yield _all(dice, means)
    if means.net:
        yield from (of.Unplug(name) for name in dice.sample(list(means.names), min(4, len(means.names))))
        yield from (of.Deaf(*each) for each in dice.sample(CABLES, 4))
        yield of.Squeeze(dice.choice(list(means.names)))
    for name in means.disks:
        yield from (of.DiskFull(name), of.DiskStill(name))
        if means.slow and name != SERVER:
            yield of.DiskSlow(name)
    for name in means.clocks:
        # libfaketime's sleeps fail behind the machine's time, and the road to a server sleeps.
        skews = [each for each in SKEWS if each > 0 or not means.server]
        yield of.Clock(name, seconds=dice.choice(skews))
    if means.server:
        yield from (of.ServerEnded(how) for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))
        yield of.ConnectionsEnded()


def _any(dice: random.Random, means: Means) -> Fault:
    # One list of each kind, so that a kind with many victims is not drawn more often.
    kinds: dict[str, list[Fault]] = {}
    for each in _once(dice, means):
        kinds.setdefault(each.kind, []).append(each)
    return dice.choice(kinds[dice.choice(sorted(kinds))])


def _all(dice: random.Random, means: Means) -> Fault:
    names = list(means.names)
    return of.RestartAll(dice.sample(names, len(names)), dice.sample(names, len(names)))


def _placed(dice: random.Random, wanted: Sequence[Fault], mean: float, needed: int) -> Iterator[Planned]:
    free: dict[str, float] = {}
    at = 0.0
    for number, fault in enumerate(wanted):
        hold = dice.uniform(*HOLD_S)
        alone = EVERYBODY in fault.on
        names = free if alone else (*fault.on, EVERYBODY)
        start = max([at, *(free.get(name, 0.0) for name in names)])
        yield Planned(start, hold, fault, number < needed)
        end = start + hold
        for name in fault.on:
            free[name] = end + (min(AFTER_ALL_S, 2 * mean) if alone else 0.0)
        at = max(at, start if not alone else free[EVERYBODY]) + mean * dice.uniform(0.2, 1.2)
