"""The account for public money (公金受取口座): changed by an act that waits (spec/visits.md section 7). What is
registered now is at the agency, not here."""

from __future__ import annotations

import re

from starlette.responses import Response

from kakine.parties.portal.acts.accounts import ACCOUNT
from kakine.parties.portal.site import acting, fields
from kakine.parties.portal.site.house import House
from kakine.protocols.instructions import account_domain
from kakine.web.language import mark
from kakine.web.turn import Turn
from kakine.wire.instruction import Account

KINDS = (("ordinary", mark("普通")), ("current", mark("当座")), ("savings", mark("貯蓄")))
_FIELDS = {
    "bank_code": ("[0-9]{4}", mark("金融機関の番号は、4けたの数字です。")),
    "branch_code": ("[0-9]{3}", mark("支店の番号は、3けたの数字です。")),
    "account_kind": ("|".join(kind for kind, _ in KINDS), mark("口座の種類を選んでください。")),
    "account_number": ("[0-9]{7}", mark("口座の番号は、7けたの数字です。足りないときは、前に0を付けます。")),
    "holder_kana": (
        r"[\u30a1-\u30f6\u30fb-\u30feA-Z0-9().,/\- ]{1,60}",
        mark("名義は、通帳と同じカタカナで、60文字までで入れてください。"),
    ),
}
"""What each field must be, and what is said otherwise."""


async def account(house: House, turn: Turn[str]) -> Response:
    """What waits, and the form."""
    return _page(house, turn, {}, {})


def _page(house: House, turn: Turn[str], said: dict[str, str], wrong: dict[str, str]) -> Response:
    turn.note = "/account"
    return turn.page(
        "account.html",
        422 if wrong else 200,
        acts=acting.shown(house, turn, ACCOUNT),
        party=house.law.party(account_domain(house.law).party),
        strong=house.strong(turn),
        kinds=KINDS,
        said=said,
        wrong=wrong,
    )


async def change(house: House, turn: Turn[str]) -> Response:
    """Have public money paid into this account, after the wait."""
    said = {name: fields.narrow(turn, name)[:80] for name in _FIELDS}
    wrong = {name: words for name, (form, words) in _FIELDS.items() if not re.fullmatch(form, said[name])}
    if wrong:
        house.visits.strong(turn.who)
        return _page(house, turn, said, wrong)
    await house.acts.change_account(turn.who, Account(**said))
    return turn.go("/account")
