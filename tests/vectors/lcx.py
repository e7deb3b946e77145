"""Makes vectors/lcx/known-answers.json from the product's own pure functions: `python tests/vectors/lcx.py`.

Everything follows from the inputs written into the file, so another implementation can repeat it without ours.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kakine.crypto.group import Scalar, group, scalar_from_wide, scalar_inv, scalar_mul
from kakine.crypto.proofs import prove_equal
from kakine.crypto.signing import SigningKey
from kakine.protocols.audit import dispute_context
from kakine.protocols.chain import (
    EndKeys,
    HopKeys,
    blind,
    blind_share,
    factors,
    keeper_mask,
    recipient_mask,
    release_value,
    unmask,
)
from kakine.protocols.linear_check import (
    GENERATOR,
    Transcript,
    answer_leg,
    combination,
    context,
    draw_weights,
    weight_seed,
)
from kakine.values.codes import Code, CodeVector, MaskedVector
from kakine.wire.canonical import encode
from kakine.wire.request import HopRecord, points_digest

FILE = Path(__file__).resolve().parents[2] / "vectors" / "lcx" / "known-answers.json"
KEEPERS = ("mailbox-a/records", "mailbox-b/records")
DOMAINS = ("registry/residents", "yokohama/children", "yokohama/tax", *KEEPERS)
ASKER, RECIPIENT = "yokohama/children", "yokohama/tax"
DISPUTED = 1
"""The leg of the dispute: the second record keeper's."""

NONCE = b"\x2a" * 32


def fixed(name: str, length: int) -> bytes:
    """The inputs of the file: SHAKE-256 of their names."""
    return hashlib.shake_256(b"LCX-v1 known answers: " + name.encode()).digest(length)


def entropy(length: int) -> bytes:
    """The prover's randomness, the same for every proof: nonces differ all the same, by the transcript."""
    return b"\x07" * length


def inputs() -> dict[str, Any]:
    """Shares, keys, people and the request."""
    return {
        "people": [fixed(f"u{j}", 32).hex() for j in range(3)],
        "domains": {
            name: {
                "shares": [bytes(scalar_from_wide(fixed(f"share {name} {i}", 64))).hex() for i in (1, 2, 3)],
                "mask_keys": [fixed(f"mask {name} {i}", 32).hex() for i in (1, 2, 3)],
            }
            for name in DOMAINS
        },
        "release_keys": [fixed(f"release {i}", 32).hex() for i in (1, 2, 3)],
        "signing_seeds": [fixed(f"signing {i}", 32).hex() for i in (1, 2, 3)],
        "request": fixed("request", 32).hex(),
        "batch": fixed("batch", 16).hex(),
        "seed": fixed("seed", 32).hex(),
        "fresh": fixed("fresh", 32).hex(),
    }


def answers(given: dict[str, Any]) -> dict[str, Any]:
    """Everything that follows from the inputs, as hexadecimal."""
    raw = bytes.fromhex
    shares = {n: [Scalar(raw(s)) for s in d["shares"]] for n, d in given["domains"].items()}
    keys = {n: [raw(k) for k in d["mask_keys"]] for n, d in given["domains"].items()}
    points = [group.hash_to_group(raw(u)) for u in given["people"]]
    codes = {n: [group.mul(scalar_mul(*s), point) for point in points] for n, s in shares.items()}
    request, batch, seed = raw(given["request"]), raw(given["batch"]), raw(given["seed"])
    blinded = bytes(blind(CodeVector.of(map(Code, codes[ASKER])), seed, batch, keys[ASKER]))
    releases = [release_value(raw(key), request) for key in given["release_keys"]]
    ends = {n: [EndKeys(s, k) for s, k in zip(shares[n], keys[n], strict=True)] for n in shares}
    legs, hops, made = [blinded] * (len(KEEPERS) + 1), [], []
    for i in range(3):
        hop = HopKeys(ends[ASKER][i], [ends[keeper][i] for keeper in KEEPERS], ends[RECIPIENT][i])
        told = factors(hop, request, batch, releases[i])
        outs = [group.mul_each(factor, leg) for factor, leg in zip(told, legs, strict=True)]
        public = [group.mul_base(factor) for factor in told]
        digests = (tuple(map(points_digest, each)) for each in (legs, outs))
        data = encode(HopRecord(request, i + 1, *digests, tuple(public)))
        key = SigningKey(raw(given["signing_seeds"][i]))
        hops.append(
            {
                "outs": [out.hex() for out in outs],
                "record": data.hex(),
                "signature": key.sign("hop", data).hex(),
                "verify_key": bytes(key.public).hex(),
            }
        )
        made.append((told, public, legs))
        legs = outs
    masks = [recipient_mask(k, request, w) for k, w in zip(keys[RECIPIENT], releases, strict=True)]
    own = [[keeper_mask(k, request) for k in keys[keeper]] for keeper in KEEPERS]
    opened = [unmask(MaskedVector(leg), seed, each) for leg, each in zip(legs, own, strict=False)]
    return {
        "points": [p.hex() for p in points],
        "codes": {n: [c.hex() for c in values] for n, values in codes.items()},
        "blinded": blinded.hex(),
        "release_values": [w.hex() for w in releases],
        "recipient_masks": [bytes(m).hex() for m in masks],
        "keeper_masks": [[bytes(m).hex() for m in each] for each in own],
        "hops": hops,
        "opened_by_keepers": [bytes(codes).hex() for codes in opened],
        "opened_by_recipient": bytes(unmask(MaskedVector(legs[-1]), seed, masks)).hex(),
        "linear_check": linear_check(request, blinded, legs, made, raw(given["fresh"])),
        "dispute": dispute(request, batch, shares, keys, made),
    }


def linear_check(
    request: bytes, blinded: bytes, legs: list[bytes], made: list[Any], fresh: bytes
) -> dict[str, Any]:
    """Weights, the combination, and every converter's step with its proofs."""
    transcript = Transcript(request, blinded, legs, [public for _, public, _ in made])
    seed = weight_seed(transcript, fresh)
    drawn = draw_weights(seed, len(blinded) // 32)
    start = combination(drawn, blinded)
    points, steps = [start] * len(legs), []
    for i, (told, public, _) in enumerate(made, 1):
        answered = [
            answer_leg(factor, public[leg], points[leg], context(request, i, leg), NONCE, entropy)
            for leg, factor in enumerate(told)
        ]
        points, proofs = [point for point, _ in answered], [proof for _, proof in answered]
        steps.append({"points": [p.hex() for p in points], "proofs": [p.hex() for p in proofs]})
    return {
        "seed": seed.hex(),
        "weights": [bytes(d).hex() for d in drawn],
        "start": start.hex(),
        "steps": steps,
    }


def dispute(
    request: bytes, batch: bytes, shares: dict[str, Any], keys: dict[str, Any], made: list[Any]
) -> dict[str, Any]:
    """The second converter explains item 1 of the second record keeper's leg."""
    keeper = KEEPERS[DISPUTED]
    link = scalar_mul(shares[keeper][1], scalar_inv(shares[ASKER][1]))
    scalar = scalar_mul(keeper_mask(keys[keeper][1], request), scalar_inv(blind_share(keys[ASKER][1], batch)))
    point = made[1][2][DISPUTED][32:64]
    start = group.mul(scalar, point)
    out, bound = group.mul(link, start), dispute_context(request, 2, DISPUTED)
    published = group.mul_base(link)
    proof = prove_equal(link, GENERATOR, published, start, out, bound, NONCE, entropy)
    return {
        "position": 2,
        "leg": DISPUTED,
        "item": 1,
        "link": published.hex(),
        "scalar": bytes(scalar).hex(),
        "proof": proof.encode().hex(),
    }


def made() -> dict[str, Any]:
    """The whole file."""
    given = inputs()
    return {"suite": "LCX-v1-ristretto255", "inputs": given, "answers": answers(given)}


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=1) + "\n", "utf-8")
