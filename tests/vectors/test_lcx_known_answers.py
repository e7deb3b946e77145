"""Our own known answers: no change of code may change a code, a mask, a record or a proof unseen."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from kakine.crypto.group import ORDER, Scalar, group
from kakine.crypto.signing import VerifyKey
from kakine.protocols.audit import Account, check_account, signed_hop
from kakine.protocols.linear_check import Step, Transcript, draw_weights, verify
from kakine.values.problems import HopAtFault, ProofInvalid
from kakine.wire.canonical import decode
from kakine.wire.request import HopRecord
from vectors.files import h, load
from vectors.lcx import ASKER, KEEPERS, RECIPIENT, answers


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return load("lcx/known-answers")


def test_everything_in_the_file_follows_from_its_inputs(known: dict[str, Any]) -> None:
    assert answers(known["inputs"]) == known["answers"]


def test_a_mask_is_what_its_definition_says_without_our_code(known: dict[str, Any]) -> None:
    """μ = HMAC-SHA-512(K; "LCX-v1/" ‖ 4 ‖ "mask" ‖ 32 ‖ hR ‖ 32 ‖ w) modulo the order, with plain integers."""
    given, said = known["inputs"], known["answers"]
    for i in range(3):
        release = hmac.digest(h(given["release_keys"][i]), h(given["request"]), "sha256")
        assert release.hex() == said["release_values"][i]
        parts = b"".join(len(p).to_bytes(4, "big") + p for p in (h(given["request"]), release))
        key = h(given["domains"][RECIPIENT]["mask_keys"][i])
        wide = hmac.digest(key, b"LCX-v1/" + b"\x04mask" + parts, hashlib.sha512)
        number = int.from_bytes(wide, "little") % ORDER
        assert number.to_bytes(32, "little").hex() == said["recipient_masks"][i]


def test_a_code_is_the_product_of_the_shares_times_the_point(known: dict[str, Any]) -> None:
    """With plain integers in the exponent, not share by share."""
    for name, domain in known["inputs"]["domains"].items():
        product = 1
        for share in domain["shares"]:
            product = product * int.from_bytes(h(share), "little") % ORDER
        scalar = Scalar(product.to_bytes(32, "little"))
        for point, code in zip(known["answers"]["points"], known["answers"]["codes"][name], strict=True):
            assert group.mul(scalar, h(point)).hex() == code


def test_recipient_and_record_keepers_opened_their_own_codes(known: dict[str, Any]) -> None:
    said = known["answers"]
    assert said["opened_by_recipient"] == "".join(said["codes"][RECIPIENT])
    assert said["opened_by_keepers"] == ["".join(said["codes"][keeper]) for keeper in KEEPERS]
    assert not set(said["codes"][ASKER]) & set(said["codes"][RECIPIENT])


def transcript(known: dict[str, Any]) -> Transcript:
    said = known["answers"]
    hops = [decode(h(hop["record"]), HopRecord) for hop in said["hops"]]
    return Transcript(
        h(known["inputs"]["request"]),
        h(said["blinded"]),
        [h(out) for out in said["hops"][2]["outs"]],
        [hop.factors for hop in hops],
    )


def test_the_kept_linear_check_verifies_and_a_changed_step_does_not(known: dict[str, Any]) -> None:
    check = known["answers"]["linear_check"]
    steps = [Step([h(p) for p in step["points"]], [h(p) for p in step["proofs"]]) for step in check["steps"]]
    drawn = draw_weights(h(check["seed"]), 3)
    verify(transcript(known), drawn, steps)
    with pytest.raises(ProofInvalid):
        verify(transcript(known), drawn, [steps[1], steps[0], steps[2]])
    with pytest.raises(ProofInvalid):
        verify(transcript(known), draw_weights(bytes(32), 3), steps)


def test_the_kept_dispute_verifies_for_its_item_only(known: dict[str, Any]) -> None:
    said, request = known["answers"], h(known["inputs"]["request"])
    hop, kept = said["hops"][1], said["dispute"]
    record = signed_hop(h(hop["record"]), h(hop["signature"]), VerifyKey(h(hop["verify_key"])), request, 2)
    leg = kept["leg"]
    account = Account(h(hop["outs"][leg]), h(kept["scalar"]), h(kept["proof"]))
    points = h(said["hops"][0]["outs"][leg])
    check_account(record, leg, h(kept["link"]), points, kept["item"], account)
    with pytest.raises(HopAtFault):
        check_account(record, leg, h(kept["link"]), points, 0, account)
