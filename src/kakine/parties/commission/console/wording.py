"""Codes in words. Texts are message ids of `words/`."""

from __future__ import annotations

from kakine.web.language import mark
from kakine.web.refusals import Words

ROLE = {
    "commissioner": mark("委員"),
    "officer": mark("事務局"),
    "inspector": mark("検査官"),
    "observer": mark("傍聴"),
}
WHAT = {
    "approve": mark("改正案を承認する"),
    "refuse": mark("改正案を退ける"),
    "stop": mark("停止する"),
    "drop": mark("待機中の改正を取り下げる"),
    "enrol": mark("職員を加える"),
    "leave": mark("職員を外す"),
    "sunset": mark("使われない行の規則を決める"),
    "check": mark("全項目評価を承認する"),
}
STATE = {
    "prepared": mark("署名待ち"),
    "signed": mark("署名済み・実行中"),
    "done": mark("実行済み"),
    "failed": mark("実行できず"),
    "withdrawn": mark("取り下げ"),
}
SUBJECT = {
    "everything": mark("すべての連携"),
    "party": mark("機関"),
    "domain": mark("業務分野"),
    "procedure": mark("事務手続"),
    "row": mark("連携の行"),
    "ground": mark("制度上の根拠"),
}
LEVEL = {
    "exempt": mark("不要"),
    "basic": mark("基礎項目評価"),
    "focused": mark("重点項目評価"),
    "full": mark("全項目評価"),
}
STEP = {
    "draft": mark("評価書の案"),
    "comment": mark("意見公募の開始"),
    "comment-end": mark("意見公募の終了"),
    "check": mark("点検・承認"),
    "publish": mark("公表"),
    "review": mark("年次の見直し"),
    "emergency": mark("緊急の申出"),
}
STANDING = {
    "good": mark("有効"),
    "late": mark("期限超過"),
    "missing": mark("評価なし"),
    "over": mark("失効"),
}
OUTSIDE = {
    "": mark("対象"),
    "staff": mark("対象外(職員のファイル)"),
    "society": mark("対象外(健保組合等の加入者ファイル)"),
    "audit": mark("対象外(会計検査院等)"),
}
CHECKER = {"third-party": mark("第三者点検(地方公共団体)"), "commission": mark("委員会の承認(国の機関)")}
BANDS = {
    0: mark("千人未満"),
    1_000: mark("千人以上"),
    10_000: mark("一万人以上"),
    100_000: mark("十万人以上"),
    300_000: mark("三十万人以上"),
}
KIND = {
    "network": mark("ネットワークや利用者の機器のデータ"),
    "intent": mark("不正の目的"),
    "public": mark("不特定多数が見られる状態"),
    "many": mark("百人を超える"),
}
ITEM = {
    "overview": mark("概要"),
    "data": mark("項目"),
    "persons": mark("人数"),
    "cause": mark("原因"),
    "harm": mark("二次被害"),
    "response": mark("本人への対応"),
    "publication": mark("公表"),
    "prevention": mark("再発防止"),
    "other": mark("その他"),
}
TOLD = {
    "no": mark("知らせていない"),
    "some": mark("一部に知らせた"),
    "all": mark("全員に知らせた"),
    "cannot": mark("連絡できず、公表などで代えた"),
}
LATE = {"first": mark("速報"), "final": mark("確報"), "told": mark("本人への通知")}
AUDIT = {
    "window": mark("一件ごとの照会の検算"),
    "dispute": mark("争いの裁定"),
    "objection": mark("異議への回答"),
    "enrolment": mark("登録の抽出検査"),
    "count": mark("提供件数の突合"),
    "index": mark("索引の突合"),
}
PROOF = {
    "proven": mark("台帳の署名で証明された"),
    "word": mark("署名された言葉(鍵を官報と比べる)"),
    "reported": mark("監視者の言葉だけ"),
    "broken": mark("証拠にならない"),
}
REFUSALS = {
    "staff-unknown": Words(
        mark("確かめられませんでした"),
        mark(
            "このコードでは進めません。使い終わったか、期限が過ぎたか、別の人のものです。何も変わっていません。"
        ),
        mark("シートの次のコードを使うか、新しいシートを受け取ってください。"),
    ),
    "two-people-needed": Words(
        mark("二人が必要です"),
        mark("準備した人は署名できません。何も変わっていません。"),
        mark("別の人に署名を頼んでください。"),
    ),
    "role-not-allowed": Words(
        mark("この役割ではできません"),
        mark("この操作は、あなたの役割に認められていません。何も変わっていません。"),
        mark("認められた役割の人に頼んでください。"),
    ),
    "order-unknown": Words(
        mark("署名を待つものがありません"),
        mark("すでに署名されたか、取り下げられたか、七日を過ぎました。"),
        mark("一覧で確かめ、必要なら準備し直してください。"),
    ),
    "assessment-incomplete": Words(
        mark("評価が済んでいません"),
        mark("特定個人情報保護評価が済んでいないため、公布されませんでした。"),
        mark("評価の一覧で、足りない手順を確かめてください。"),
    ),
    "order-malformed": Words(
        mark("準備できませんでした"),
        mark("足りないものか、法令にない名前があります。何も変わっていません。"),
        mark("元の画面で直してください。理由は必ず書いてください。"),
    ),
    "assessment-malformed": Words(
        mark("記録できませんでした"),
        mark("手順の順序、日数か、内容が合いません。何も変わっていません。"),
        mark("意見公募は三十日以上必要です。順序を確かめてください。"),
    ),
    "breach-malformed": Words(
        mark("記録できませんでした"),
        mark("足りないものがあるか、手順の順序が違います。何も変わっていません。"),
        mark("元の画面で直してください。"),
    ),
}
ROOMS = (
    ("/overview", mark("概況")),
    ("/gazette", mark("官報")),
    ("/stops", mark("停止")),
    ("/acts", mark("署名")),
    ("/assessments", mark("保護評価")),
    ("/counts", mark("件数")),
    ("/supervision", mark("監督")),
    ("/breaches", mark("漏えい等")),
    ("/people", mark("職員")),
    ("/journal", mark("日誌")),
    ("/public", mark("公開ページ")),
)
