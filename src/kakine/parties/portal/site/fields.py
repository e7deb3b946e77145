"""Fields of forms, read strictly."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from kakine.values.problems import FormUnfit
from kakine.web.turn import Turn


def hexadecimal(turn: Turn[str], name: str, length: int) -> bytes:
    """So many bytes in hexadecimal. Raises `FormUnfit`."""
    said = turn.form.one(name)
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * length}}}", said):
        raise FormUnfit(field=name)
    return bytes.fromhex(said)


def day(turn: Turn[str], name: str) -> date:
    """A day as a browser sends it: 2026-11-22. Raises `FormUnfit`."""
    said = narrow(turn, name)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", said):
        raise FormUnfit(field=name)
    try:
        return date.fromisoformat(said)
    except ValueError as fault:
        raise FormUnfit(field=name) from fault


def narrow(turn: Turn[str], name: str) -> str:
    """What was typed, as an input method for Japanese may write it: wide digits and narrow kana become the usual ones
    (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", turn.form.one(name)).strip()
