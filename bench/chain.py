"""The chain of converters beside libpep's n-PEP: one hop, three hops, and the whole way, in µs per person.

    python bench/chain.py [--items 64] [--rounds 5] [--repeats 3] [--json]

Both sides run one thread, on bytes from and to the network, and take turns within one run; each figure is the
best round, so that a neighbour on the machine is not measured. Our hop does three legs, the
recipient's and one for each of two record keepers; libpep has no record, so its hop is one leg, and both ratios are
given: our three legs against its one, and leg against leg. Not timed on either side: signatures, sealing, proofs,
network, stores.

Two differences to bear in mind with the ratios. libpep is measured as the WebAssembly package it
publishes for Node; its native Rust build is faster and not measured. And its hop re-randomises a ciphertext
under the recipient's public key, where ours masks with a key shared in advance: other assumptions, less work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kakine.crypto.group import Scalar, SodiumGroup, group, inv_each, random_scalar, scalar_inv, scalar_mul

PEERS = Path(__file__).resolve().parent / "peers"
HOPS = 3
LEGS = 3


class PeerMissing(Exception):
    """The peer cannot be run here, so no comparison was made."""


class PeerDisagrees(Exception):
    """The two group implementations gave different bytes."""


@dataclass(frozen=True)
class Ours:
    """µs per person. `end_to_end` is blinding, three hops of three legs, and opening at all three ends."""

    multiplication: float
    hop_one_leg: float
    hop_three_legs: float
    three_hops_one_leg: float
    three_hops_three_legs: float
    end_to_end_three_legs: float


@dataclass(frozen=True)
class Batch:
    """One batch of `items` codes with the factors of every hop and leg, all drawn before the clock starts."""

    codes: bytes
    blinds: list[Scalar]
    legs: list[list[Scalar]]

    @classmethod
    def draw(cls, items: int) -> Batch:
        codes = b"".join(group.hash_to_group(os.urandom(32)) for _ in range(items))
        legs = [[random_scalar(os.urandom) for _ in range(HOPS)] for _ in range(LEGS)]
        return cls(codes, [random_scalar(os.urandom) for _ in range(items)], legs)

    def blinded(self) -> bytes:
        return group.mul_pairs(self.blinds, self.codes)

    def hop(self, number: int, points: Sequence[bytes]) -> list[bytes]:
        """All legs of one converter."""
        return [group.mul_each(leg[number], each) for leg, each in zip(self.legs, points, strict=True)]

    def one_leg(self, points: bytes) -> bytes:
        for factor in self.legs[0]:
            points = group.mul_each(factor, points)
        return points

    def all_legs(self, points: bytes) -> list[bytes]:
        out = [points] * LEGS
        for number in range(HOPS):
            out = self.hop(number, out)
        return out

    def opened(self, points: bytes, mask: Scalar) -> bytes:
        """What a recipient does: one batched inversion, one multiplication for each person."""
        return group.mul_pairs(inv_each([scalar_mul(blind, mask) for blind in self.blinds]), points)

    def end_to_end(self) -> list[bytes]:
        one = self.legs[0][0]
        return [self.opened(points, one) for points in self.all_legs(self.blinded())]

    def confirm(self) -> None:
        """What is timed is the conversion: opening takes off the blind and one factor, the rest remains."""
        taken_off = scalar_inv(self.legs[0][0])
        for leg, opened in zip(self.legs, self.end_to_end(), strict=True):
            assert opened == group.mul_each(scalar_mul(taken_off, *leg), self.codes)


def best(work: Callable[[], object], items: int, rounds: int) -> float:
    """µs per item of the fastest of `rounds` rounds, wall clock."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(min(times) / items * 1e6, 2)


def measure_ours(items: int, rounds: int) -> Ours:
    """Our figures for one batch of `items`."""
    batch = Batch.draw(items)
    batch.confirm()
    points, factor = batch.blinded(), batch.legs[0][0]
    single = points[:32]
    return Ours(
        multiplication=best(lambda: [group.mul(factor, single) for _ in range(items)], items, rounds),
        hop_one_leg=best(lambda: group.mul_each(factor, points), items, rounds),
        hop_three_legs=best(lambda: batch.hop(0, [points] * LEGS), items, rounds),
        three_hops_one_leg=best(lambda: batch.one_leg(points), items, rounds),
        three_hops_three_legs=best(lambda: batch.all_legs(points), items, rounds),
        end_to_end_three_legs=best(batch.end_to_end, items, rounds),
    )


def install_peer() -> None:
    """Install the locked peer unless it is there; raise `PeerMissing` where that cannot be done."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise PeerMissing(f"{program} is not on this machine")
    if (PEERS / "node_modules" / "@nolai" / "libpep-wasm" / "package.json").exists():
        return
    done = subprocess.run(["npm", "ci", "--silent"], cwd=PEERS, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissing(f"npm ci failed in {PEERS.name}: {done.stderr.strip()[-400:]}")


def measure_peer(items: int, rounds: int) -> dict[str, Any]:
    """libpep's figures, after our group repeated its operations; `PeerDisagrees` if one differs."""
    install_peer()
    command = ["node", "libpep.mjs", str(items), str(rounds)]
    done = subprocess.run(command, cwd=PEERS, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissing(f"libpep.mjs failed: {done.stderr.strip()[-400:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    for case in answer.pop("oracle"):
        uniform, scalar, point, product = (
            bytes.fromhex(case[part]) for part in ("uniform", "scalar", "point", "product")
        )
        if SodiumGroup().map_to_group(uniform) != point or group.mul(Scalar(scalar), point) != product:
            raise PeerDisagrees("libpep and our group give different bytes")
    return answer


def ratios(ours: Ours, peer: dict[str, float]) -> dict[str, float]:
    """libpep's time over ours: above 1 we are faster. `a_b` names read: our a against its b."""
    pairs = {
        "multiplication": (peer["multiplication"], ours.multiplication),
        "hop_leg_for_leg": (peer["hop_bytes"], ours.hop_one_leg),
        "hop_three_legs_for_its_one": (peer["hop_bytes"], ours.hop_three_legs),
        "three_hops_leg_for_leg": (peer["three_hops_bytes"], ours.three_hops_one_leg),
        "three_hops_three_legs_for_its_one": (peer["three_hops_bytes"], ours.three_hops_three_legs),
        "end_to_end_three_legs_for_its_one": (peer["end_to_end_bytes"], ours.end_to_end_three_legs),
    }
    return {name: round(theirs / mine, 2) for name, (theirs, mine) in pairs.items()}


def run(items: int, rounds: int, repeats: int) -> dict[str, Any]:
    """Alternate ours and the peer `repeats` times and keep the best of each figure on both sides.

    Where the peer cannot be run, `peer` and `ratios` are None and `missing` says why.
    """
    mine, theirs = [asdict(measure_ours(items, rounds))], []
    out: dict[str, Any] = {"items": items, "peer": None, "ratios": None, "missing": None}
    try:
        for _ in range(repeats):
            theirs.append(measure_peer(items, rounds))
            mine.append(asdict(measure_ours(items, rounds)))
    except PeerMissing as absent:
        out["missing"] = str(absent)
    out["ours"] = {name: min(each[name] for each in mine) for name in mine[0]}
    out["hop_over_floor"] = round(out["ours"]["hop_three_legs"] / (LEGS * out["ours"]["multiplication"]), 3)
    if theirs and out["missing"] is None:
        figures = {name: min(each["figures"][name] for each in theirs) for name in theirs[0]["figures"]}
        out["peer"] = {**theirs[0], "figures": figures}
        out["ratios"] = ratios(Ours(**out["ours"]), figures)
    return out


def table(result: dict[str, Any]) -> str:
    """The result as lines for people."""
    lines = [f"batch of {result['items']}, µs per person", "", "ours"]
    lines += [f"  {name:36}{value:10.1f}" for name, value in result["ours"].items()]
    lines += [f"  {'hop over three bare multiplications':36}{result['hop_over_floor']:10.3f}"]
    if result["peer"]:
        peer = result["peer"]
        lines += ["", f"{peer['peer']} {peer['version']}, node {peer['node']}"]
        lines += [f"  {name:36}{value:10.1f}" for name, value in peer["figures"].items()]
        lines += ["", "its time over ours"]
        lines += [f"  {name:36}{value:10.2f}" for name, value in result["ratios"].items()]
    return "\n".join(lines)


def main() -> int:
    """Print the figures; exit 2, after a loud line, where the peer could not be run."""
    options = argparse.ArgumentParser(description="conversion beside libpep")
    options.add_argument("--items", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    result = run(chosen.items, chosen.rounds, chosen.repeats)
    print(json.dumps(result, indent=1) if chosen.json else table(result))
    if result["missing"]:
        print(f"\n*** NO COMPARISON WAS MADE: {result['missing']} ***", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
