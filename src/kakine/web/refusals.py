"""A problem as a page: what happened and what to do, in plain words, and its permanent code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from kakine.runtime.http import problem_response
from kakine.values.problems import Problem
from kakine.web.language import mark

if TYPE_CHECKING:
    from kakine.web.turn import Turn

T = TypeVar("T")


@dataclass(frozen=True)
class Words:
    """Message ids, and where the button leads."""

    heading: str
    what: str
    do: str
    to: str = "/"
    button: str = mark("最初の画面へ")


_AGAIN = mark("最初の画面から、もう一度始めてください。市区町村の窓口でも手続きできます。")
_LATER = mark("少し待ってから、もう一度試してください。何度も続くときは、下の番号を窓口に伝えてください。")

KNOWN = {
    "session-unknown": Words(
        mark("もう一度ログインしてください"),
        mark(
            "しばらく使われなかったか、ログアウトしたため、この画面は終わりました。送ったものは受け付けていません。"
        ),
        _AGAIN,
    ),
    "form-unfit": Words(
        mark("受け付けられませんでした"),
        mark("送られたものが、この画面のものと合いません。何も変わっていません。"),
        _AGAIN,
    ),
    "form-spent": Words(
        mark("もう受け付けています"),
        mark("同じものが二度送られました。最初の一回だけを受け付けました。"),
        mark("結果は、元の画面で確かめてください。"),
    ),
    "origin-refused": Words(
        mark("受け付けられませんでした"),
        mark("この画面以外のところから送られました。何も変わっていません。"),
        _AGAIN,
    ),
    "host-refused": Words(
        mark("住所が違います"),
        mark("このサイトは、開いたアドレスでは使えません。"),
        mark("正しいアドレスを、紙の案内か窓口で確かめてください。"),
    ),
    "route-unknown": Words(
        mark("画面が見つかりません"),
        mark("このアドレスの画面はありません。"),
        mark("最初の画面から探してください。"),
    ),
    "message-too-large": Words(
        mark("長すぎます"),
        mark("送られたものが長すぎます。何も変わっていません。"),
        mark("短くして、もう一度送ってください。"),
    ),
    "party-unavailable": Words(
        mark("今は使えません"), mark("相手の機関につながりません。何も変わっていません。"), _LATER
    ),
    "internal-fault": Words(
        mark("今は使えません"),
        mark("こちらの不具合です。あなたのせいではありません。運営者に知らせました。"),
        _LATER,
    ),
    "login-not-known": Words(
        mark("確かめられませんでした"),
        mark("このカード、パスキー、コードでは入れません。使い終わったか、期限が過ぎたものかもしれません。"),
        mark("別の方法で試すか、窓口で新しいコードを受け取ってください。カードや電話がなくても大丈夫です。"),
    ),
}
"""By problem code; a site adds its own (`Site.words`)."""
_REFUSED = Words(
    mark("進められませんでした"),
    mark("規則により、受け付けられませんでした。何も変わっていません。"),
    mark("理由は下にあります。分からないときは、番号を窓口に伝えてください。"),
)


def refusal(turn: Turn[T], problem: Problem, words: dict[str, Words]) -> Response:
    """A page for whoever can read one, an RFC 9457 document for others. Facts of a problem are not shown: they are
    for machines and for the log."""
    if not _wants_page(turn.request):
        return problem_response(problem)
    said = words.get(problem.code) or KNOWN.get(problem.code)
    if said is None:
        said = KNOWN["internal-fault"] if problem.status >= 500 else _REFUSED
    turn.here = "/"  # an address that is refused is not offered again in another language
    values: dict[str, Any] = {"words": said, "problem": problem, "layout": turn.site.layout}
    return turn.page("web/problem.html", problem.status, **values)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.scope.get("kakine.script")
