"""What a person has decided, in words: Japanese first, then English."""

from __future__ import annotations

from kakine.parties.portal.login.pages import SCOPES
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.protocols.logins import paper_code
from kakine.values.calendar import day, in_japan
from kakine.values.problems import NotCanonical
from kakine.wire.decision import (
    ActAsked,
    ActUndone,
    LatestAllowed,
    LatestWithdrawn,
    LinkAllowed,
    MandateEnded,
    MandateGiven,
    unpacked,
)

ACTS = {
    "passkey-bound": ("パスキーの登録", "a passkey is bound"),
    "way-in-removed": ("入り方の削除", "a way in is removed"),
    "card-lost": ("カードの紛失", "a card is reported lost"),
    "mandate-given": ("代理を頼む", "a mandate is given"),
    "public-account-changed": ("公金受取口座の変更", "the account for public money is changed"),
    "address-released": ("住所の提供の許可", "an address may be given"),
}
"""Kinds of acts (spec/visits.md), in words."""


def decision_words(data: bytes) -> tuple[str, str]:
    """What these bytes of an own decision say, or that they cannot be read."""
    try:
        decision = unpacked(data)
    except NotCanonical:
        return "読めない決定", "a decision that cannot be read"
    match decision:
        case LatestAllowed():
            return allowed_words(decision)
        case LatestWithdrawn():
            return (
                f"最新の情報の提供への同意を撤回: {decision.grant.hex()}",
                f"withdrew consent {decision.grant.hex()}",
            )
        case MandateGiven(called=called, terms=terms):
            until, where = day(terms.until_ms // DAY_MS), "、".join(terms.clients) or "-"
            history = "、本人の記録を見る / may read this history" if terms.history else ""
            return (
                f"代理を頼む: {called} に {until} まで({where}{history})",
                f"gave {called} a mandate until {until}; number {paper_code(decision.number)}",
            )
        case MandateEnded():
            number = paper_code(decision.number)
            return f"代理を終える: {number}", f"ended mandate {number}"
        case LinkAllowed():
            return (
                f"新旧の証明書のつながりを {decision.client} に伝えることに同意",
                f"let {decision.client} know that this certificate follows the one it knew",
            )
        case ActAsked():
            ja, en = ACTS.get(decision.kind, (decision.kind, decision.kind))
            label = f"({decision.label})" if decision.label else ""
            due_at, until_at = (
                in_japan(ms).strftime("%Y-%m-%d %H:%M") for ms in (decision.due_ms, decision.until_ms)
            )
            return (
                f"手続き {decision.act.hex()}: {ja}{label}。{due_at} より前には行わず、{until_at} まで取り消せる",
                f"act {decision.act.hex()}: {en}; not before {due_at}, can be undone until {until_at}",
            )
        case ActUndone():
            return f"手続き {decision.act.hex()} を取り消した", f"act {decision.act.hex()} is undone"


def use_words(allowed: LatestAllowed) -> tuple[str, str]:
    """For whom something was asked under a consent, and for what."""
    return (
        f"あなたの同意により {allowed.client} へ。目的: {allowed.purpose}",
        f"for {allowed.client}, by your consent {allowed.grant.hex()}",
    )


def allowed_words(allowed: LatestAllowed) -> tuple[str, str]:
    """To whom what was allowed, for what, until when."""
    known = [SCOPES.get(item, (item, item)) for item in allowed.items]
    ja, en = ("、".join(each[0] for each in known), ", ".join(each[1] for each in known))
    until = in_japan(allowed.until_ms).date()
    return (
        f"最新の情報の提供に同意: {allowed.client} に {until} まで({ja})。目的: {allowed.purpose}",
        f"allowed {allowed.client} to ask for {en} until {until}; consent {allowed.grant.hex()}",
    )
