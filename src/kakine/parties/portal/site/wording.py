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
    "counter-needed": Words(
        mark("窓口の紙が必要です"),
        mark(
            "守りを外すことは、市区町村の窓口で受け取った紙で入ったときだけできます。何も変わっていません。"
        ),
        mark("窓口で新しいコードを受け取り、それで入ってください。"),
        "/shield",
        mark("居場所を守る"),
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
    "mandate-not-in-force": Words(
        mark("この委任は、今は使えません"),
        mark("終わったか、まだ始まっていないか、今は使えないものです。理由は、ここでは分かりません。"),
        mark("本人に聞くか、市区町村の窓口で相談してください。"),
        "/mandates",
        mark("委任"),
    ),
    "mandate-unfit": Words(
        mark("この委任は作れません"),
        mark(
            "自分自身には任せられません。同時に任せられるのは16件までです。名前を確かめられない人にも任せられません。"
        ),
        mark("終わらせてよい委任があれば終わらせるか、窓口で相談してください。"),
        "/mandates",
        mark("委任"),
    ),
    "delegate-code-unknown": Words(
        mark("この番号では任せられません"),
        mark("番号が違うか、使い終わったか、期限が過ぎました。何も変わっていません。"),
        mark("引き受ける人に、新しい番号を出してもらってください。"),
        "/mandates",
        mark("委任"),
    ),
    "acts-too-many": Words(
        mark("頼んだことが多すぎます"),
        mark("同時に待てるのは20件までです。何も変わっていません。"),
        mark("いらないものを取り消してから、もう一度頼んでください。"),
        "/decisions",
        mark("決める"),
    ),
    "act-under-way": Words(
        mark("もう一つの変更が待っています"),
        mark("口座の変更は、一度に一つだけです。何も変わっていません。"),
        mark("前の変更を取り消すか、行われるまで待ってください。"),
        "/account",
        mark("公金受取口座"),
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

CLAIMS = {
    "address": mark("住所"),
    "birthdate": mark("生年月日"),
    "gender": mark("性別"),
    "lives_in": mark("住んでいる市区町村"),
    "name": mark("氏名とふりがな"),
    "over_18": mark("18歳以上かどうか"),
    "over_20": mark("20歳以上かどうか"),
}
"""What a relying party may be allowed to ask for (`protocols.logins.ATTRIBUTES`)."""

BASES = {
    "parent": mark("親権者"),
    "court": mark("後見人など、裁判所の決定による"),
    "proxy": mark("本人が任せた"),
}
"""By what right somebody acts for another (`wire.mandate.Basis`)."""

CHOICES = (
    (
        "/history",
        mark("異議"),
        mark("あなたのことではない、頼んでいない、まちがっている。そう思う記録に、異議を申し立てます。"),
        mark("履歴から記録を選ぶ"),
    ),
    (
        "/consents",
        mark("同意"),
        mark("引っ越しの後の住所などを知らせてよいと、どのサービスに答えたかを見て、取り消します。"),
        mark("同意の一覧を見る"),
    ),
    (
        "/mandates",
        mark("委任"),
        mark("家族や介護の人に代わりを任せる、引き受ける、やめる。暗証番号は教えません。"),
        mark("任せる、引き受ける"),
    ),
    (
        "/account",
        mark("公金受取口座"),
        mark("給付金などを受け取る口座を変えます。三日待つので、その間に取り消せます。"),
        mark("口座を変える"),
    ),
    (
        "/ways",
        mark("入り方"),
        mark("カードやパスキーを見る、加える、消す。なくしたカードをすぐ止めます。"),
        mark("入り方を見る"),
    ),
    (
        "/shield",
        mark("居場所を守る"),
        mark("住所が伝わること、代理、住民票の表示を、今すぐ止めます。どの入り方でもできます。"),
        mark("守る前に読む"),
    ),
    (
        "/number",
        mark("番号変更"),
        mark("番号が漏れたおそれがあるとき、どこで変え、何が変わるか。"),
        mark("番号変更について読む"),
    ),
    (
        "/again",
        mark("もう一つの方法で確かめる"),
        mark("大切なことを決める前に、カードとパスキーの両方か、窓口のコードで確かめます。"),
        mark("確かめる"),
    ),
)
"""What can be decided: path, name, one sentence, what the button says."""

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
