"""What a line of a history says of delegation: Japanese first, then English."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.parties.portal.mandates.book import REPRESENTING
from kakine.protocols.logins import REPRESENTED
from kakine.wire.mandate import Basis

BASES = {
    Basis.PARENT.value: "親権者 / parent",
    Basis.COURT.value: "後見人 / guardian",
    Basis.PROXY.value: "任意代理 / proxy",
}
_ACTS = {
    "stand-by": "代理を引き受けるための番号を渡した / gave out a code to act for somebody",
    "appoint": "代理人を届け出た / registered somebody to act for you",
    "end": "代理を終えた / ended mandates",
    "list": "代理の一覧を見た / looked at the list of mandates",
}


def acted_words(items: Sequence[str]) -> str:
    """Empty for a line that nobody but the person has to do with."""
    by = next((BASES[item] for item in items if item in BASES), "")
    if REPRESENTED in items:
        return (
            f"代理人による: {by} / by somebody who acts for you" if by else "代理のための確認 / for a mandate"
        )
    if REPRESENTING in items:
        return "他の人の代理として / on behalf of somebody else"
    if items and items[0] == "mandate":
        said = next((_ACTS[item] for item in items if item in _ACTS), "")
        return f"{said} {by}".rstrip()
    return ""
