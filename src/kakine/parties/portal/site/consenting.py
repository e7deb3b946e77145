"""Consents to the latest items. The list is read out of the own history, in the reader's browser: there is no other
(spec/decisions.md DEC-2.10). What comes here is the number of the one that is to end."""

from __future__ import annotations

from starlette.responses import Response

from kakine.parties.portal.site.fields import hexadecimal
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import CLAIMS
from kakine.values.problems import FormUnfit
from kakine.web.language import mark
from kakine.web.turn import Turn

GRANT_BYTES = 16
_WRONG = mark("番号は32文字です。0から9までの数字と、aからfまでの文字を使います。")


async def consents(house: House, turn: Turn[str]) -> Response:
    """What was allowed to whom, opened in the browser, and the form that ends one."""
    turn.note = "/consents"
    return _page(house, turn)


def _page(house: House, turn: Turn[str], wrong: str = "", value: str = "", status: int = 200) -> Response:
    strong = house.strong(turn)
    return turn.page("consents.html", status, claims=CLAIMS, wrong=wrong, value=value, strong=strong)


async def withdraw(house: House, turn: Turn[str]) -> Response:
    """One consent is over, at once. A number of nobody's ends nothing, and the page cannot know."""
    try:
        grant = hexadecimal(turn, "grant", GRANT_BYTES)
    except FormUnfit:
        return _page(house, turn, _WRONG, turn.form.one("grant")[:80], 422)
    await house.visits.withdraw(turn.who, grant)
    return turn.page("withdrawn.html", grant=grant.hex(), when_ms=house.login.clock())
