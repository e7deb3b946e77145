"""Mandates (委任): who may act for whom, made, taken up, used and ended by the two people themselves.

Spec/delegation.md. No form names an account: the delegate draws a code, and the principal types it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.responses import Response

from kakine.parties.portal.mandates.book import MOST_CALLED, STANDBY_MS
from kakine.parties.portal.site import fields
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import BASES
from kakine.protocols.logins import PAPER_BYTES, REPRESENTED, paper_code
from kakine.protocols.mandates import DAY_MS, LONGEST_MS
from kakine.values.calendar import day_starts_ms, in_japan
from kakine.values.problems import DelegateCodeUnknown, FormUnfit, RouteUnknown
from kakine.web.language import mark
from kakine.web.turn import Turn
from kakine.wire.mandate import Basis, Shown, Terms
from kakine.wire.reading import MEDIA

LONGEST = timedelta(days=LONGEST_MS[Basis.PROXY] // DAY_MS)
_MOST_CLIENTS = 6
_CODE_WRONG = mark("この番号では、だれも引き受けていません。使い終わったか、期限が過ぎたものかもしれません。")
_NOTHING = mark("任せることを、一つ以上選んでください。サービスは六つまでです。")
_DAY_WRONG = mark("日付を入れてください。")
_DAYS_WRONG = mark(
    "終わりの日は、始まりの日と同じ日か後で、今日より前でなく、始まりから1年より長くないようにしてください。"
)


@dataclass(frozen=True)
class Row:
    """A mandate as its own people see it. `places` are (Japanese, English), `open` that the history may be read now."""

    number: str
    code: str
    called: str
    basis: str
    places: Sequence[tuple[str, str]]
    history: bool
    from_ms: int
    last_ms: int
    waits: bool
    begun: bool
    open: bool


def _row(house: House, shown: Shown) -> Row:
    terms = shown.terms
    begun = not shown.waits and terms.from_ms <= house.login.clock()
    named = {client.id: (client.ja, client.en) for client in house.law.gazette.clients}
    return Row(
        shown.number.hex(),
        paper_code(shown.number),
        shown.called,
        BASES[terms.basis.value],
        [named.get(client, (client, client)) for client in terms.clients],
        terms.history,
        terms.from_ms,
        terms.until_ms - 1,
        shown.waits,
        begun,
        begun and terms.history and not shown.given,
    )


async def mandates(house: House, turn: Turn[str]) -> Response:
    """Given and held, how to give one, how to take one up."""
    return _page(house, turn)


def _page(house: House, turn: Turn[str], wrong: str = "", status: int = 200) -> Response:
    turn.note = "/mandates"
    all_ = [each.shown for each in house.mandates.listed(turn.who)]
    return turn.page(
        "mandates.html",
        status,
        given=[_row(house, each) for each in all_ if each.given],
        held=[_row(house, each) for each in all_ if not each.given],
        strong=house.strong(turn),
        wrong=wrong,
    )


# --- taking up ----------------------------------------------------------------------------------------------------


async def draw(house: House, turn: Turn[str]) -> Response:
    """A code for whoever is willing to act for somebody. It is shown once and kept nowhere as it is."""
    code = await house.mandates.stand_by(turn.who)
    return turn.page(
        "mandate_code.html",
        code=code,
        called=house.mandates.called(turn.who, code),
        minutes=STANDBY_MS // 60_000,
    )


# --- giving -------------------------------------------------------------------------------------------------------


async def whom(house: House, turn: Turn[str]) -> Response:
    """Whose code this is, to be read before anything is given."""
    try:
        return _giving(house, turn, turn.form.one("code")[:MOST_CALLED], {}, ("", ""))
    except DelegateCodeUnknown:
        return _page(house, turn, _CODE_WRONG, 422)


def _giving(
    house: House, turn: Turn[str], code: str, wrong: Mapping[str, str], days: tuple[str, str]
) -> Response:
    called = house.mandates.called(turn.who, code)
    today = in_japan(house.login.clock()).date()
    return turn.page(
        "mandate_give.html",
        422 if wrong else 200,
        code=code,
        called=called,
        offered=_offered(house),
        chosen=turn.form.all("what"),
        first=days[0] or today.isoformat(),
        last=days[1],
        longest=today + LONGEST,
        wrong=wrong,
    )


def _offered(house: House) -> list[tuple[str, tuple[str, str]]]:
    """Relying parties that take people who act for others."""
    clients = house.law.gazette.clients
    return [(each.id, (each.ja, each.en)) for each in clients if REPRESENTED in each.scopes]


async def give(house: House, turn: Turn[str]) -> Response:
    """A mandate, which waits as every act that weighs."""
    wrong, code = dict[str, str](), turn.form.one("code")[:MOST_CALLED]
    chosen, first, last = set(turn.form.all("what")), turn.form.one("first"), turn.form.one("last")
    clients = tuple(sorted(each for each, _ in _offered(house) if f"client:{each}" in chosen))
    history = "history" in chosen
    if not (clients or history) or len(clients) > _MOST_CLIENTS:
        wrong["what"] = _NOTHING
    span = _span(turn, house.login.clock(), wrong)
    if wrong or span is None:
        return _giving(house, turn, code, wrong, (first[:10], last[:10]))
    await house.mandates.give(turn.who, code, Terms(Basis.PROXY, clients, history, *span))
    return turn.go("/decisions")


def _span(turn: Turn[str], now_ms: int, wrong: dict[str, str]) -> tuple[int, int] | None:
    """From the first moment of one day, or from now, to the end of another; what does not do is said in `wrong`."""
    found = dict[str, date]()
    for name in ("first", "last"):
        try:
            found[name] = fields.day(turn, name)
        except FormUnfit:
            wrong[name] = _DAY_WRONG
    if len(found) < len(("first", "last")):
        return None
    first, last, today = found["first"], found["last"], in_japan(now_ms).date()
    begins = max(first, today)
    if not begins <= last < begins + LONGEST or first > today + LONGEST:
        wrong["last"] = _DAYS_WRONG
        return None
    return max(day_starts_ms(first), now_ms), day_starts_ms(last + timedelta(days=1))


# --- ending and using -----------------------------------------------------------------------------------------------


async def end(house: House, turn: Turn[str]) -> Response:
    """By either of the two, at once."""
    await house.mandates.end(turn.who, fields.hexadecimal(turn, "number", PAPER_BYTES))
    return turn.go("/mandates")


async def history(house: House, turn: Turn[str]) -> Response:
    """The page in which a delegate reads the principal's history; nothing of it has been asked for yet."""
    turn.note = turn.here
    return turn.page("mandate_history.html", called=house.mandates.require_reader(turn.who, _number(turn)))


async def reading(house: House, turn: Turn[str]) -> Response:
    """The history itself, sealed to the delegate's browser. The view stands in it."""
    given = await house.mandates.reading(turn.who, _number(turn), turn.body)
    return Response(given, media_type=MEDIA)


def _number(turn: Turn[str]) -> bytes:
    said = turn.param["number"]
    if len(said) != 2 * PAPER_BYTES or not set(said) <= set("0123456789abcdef"):
        raise RouteUnknown()
    return bytes.fromhex(said)
