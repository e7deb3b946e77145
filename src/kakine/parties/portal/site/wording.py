"""Plain words for problems that only this site has."""

from __future__ import annotations

from kakine.web.language import mark
from kakine.web.refusals import Words

_COUNTER = mark(
    "別の方法で試すか、窓口で新しいコードを受け取ってください。カードや電話がなくても大丈夫です。"
)

WORDS = {
    "visit-unknown": Words(
        mark("もう一度ログインしてください"),
        mark(
            "しばらく使われなかったか、ログアウトしたため、この画面は終わりました。送ったものは受け付けていません。"
        ),
        mark("最初の画面から、もう一度始めてください。市区町村の窓口でも手続きできます。"),
    ),
    "step-up-needed": Words(
        mark("もう一つの方法で確かめてください"),
        mark(
            "大切なことなので、カードとパスキーの両方か、窓口で受け取ったコードが必要です。何も変わっていません。"
        ),
        mark("確かめると、元の部屋に戻ります。"),
        "/again",
        mark("もう一つの方法で確かめる"),
    ),
    "act-over": Words(
        mark("もう取り消せません"),
        mark("取り消せる期限が過ぎました。"),
        mark("反対のことを頼むか、窓口で相談してください。"),
        "/decisions",
        mark("決める"),
    ),
    "last-way-in": Words(
        mark("最後の入り方は消せません"),
        mark("これを消すと、この窓口に入れなくなります。何も変わっていません。"),
        mark("窓口なら終わらせることができ、別の入り方を受け取れます。"),
        "/ways",
        mark("入り方"),
    ),
    "passkey-invalid": Words(
        mark("確かめられませんでした"), mark("パスキーで確かめられませんでした。"), _COUNTER
    ),
    "card-proof-invalid": Words(
        mark("確かめられませんでした"), mark("カードで確かめられませんでした。"), _COUNTER
    ),
    "card-not-trusted": Words(
        mark("このカードは使えません"), mark("カードが止められているか、期限が過ぎています。"), _COUNTER
    ),
    "objection-unfit": Words(
        mark("異議を受け付けられませんでした"),
        mark(
            "この記録には異議を申し立てられません。あなたの記録ではないか、もう申し立てたか、照会の記録ではありません。"
        ),
        mark("履歴をもう一度開いて、記録を選び直してください。"),
    ),
}
"""By problem code."""

AREAS = {
    "account": mark("公金の口座"),
    "care": mark("介護"),
    "child": mark("子ども・子育て"),
    "disability": mark("障害"),
    "education": mark("教育"),
    "family-register": mark("戸籍"),
    "health": mark("医療・健康保険"),
    "immigration": mark("在留"),
    "labour": mark("仕事・雇用保険"),
    "pension": mark("年金"),
    "resident-record": mark("住民票"),
    "tax": mark("税"),
    "welfare": mark("生活の支援"),
}
"""What the gazette calls areas of items."""

REASONS = (
    ("not-me", mark("これは私のことではない")),
    ("not-asked", mark("この手続きを頼んでいない")),
    ("data-wrong", mark("伝えられた情報がまちがっている")),
    ("other", mark("そのほか")),
)
"""Why a person objects (`wire.objection.Reason`)."""
