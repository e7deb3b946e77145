"""What things are called on the pages of a desk. Every text here is a message id; the catalogues have the rest."""

from __future__ import annotations

from kakine.parties.gateway.desk.answers import Word
from kakine.parties.gateway.desk.case_store import State, Why
from kakine.parties.gateway.desk.journal import What
from kakine.parties.gateway.desk.people_store import Role
from kakine.parties.gateway.desk.people_store import State as Standing
from kakine.web.language import mark
from kakine.web.refusals import Words
from kakine.wire.objection import Outcome, Reason

RESULTS: dict[Word, tuple[str, str, str]] = {
    Word.DELIVERED: (
        "good",
        mark("提供されました"),
        mark("この書類は、本人から受け取らなくてよいです。"),
    ),
    Word.PARTIAL: (
        "warn",
        mark("一部だけ提供されました"),
        mark("届かなかった項目は、本人に紙の書類をお願いしてください。"),
    ),
    Word.NOT_KNOWN: (
        "warn",
        mark("この機関には記録がありません"),
        mark("本人に確かめるか、紙の書類をお願いしてください。"),
    ),
    Word.NON_DISCLOSED: (
        "warn",
        mark("不開示です"),
        mark(
            "この人の情報は、この照会では出ません。係長に相談してください。理由や場所を本人以外に尋ねないでください。"
        ),
    ),
    Word.NO_ANSWER: (
        "warn",
        mark("この照会では答えられません"),
        mark(
            "記録がないか、自動では答えられない事情があります。"
            "ほかの機関を順に試さず、本人に紙の書類をお願いするか、係長に相談してください。"
        ),
    ),
    Word.NEEDS_HUMAN: (
        "warn",
        mark("相手の機関の職員が確かめます"),
        mark("自動では答えられません。文書で照会してください。"),
    ),
    Word.STALE: ("warn", mark("情報が古すぎます"), mark("本人に新しい書類をお願いしてください。")),
    Word.EXPIRED: ("warn", mark("情報の期限が切れています"), mark("本人に新しい書類をお願いしてください。")),
    Word.REFUSED: (
        "bad",
        mark("断られました"),
        mark("何も提供されていません。下の番号を係長に伝えてください。"),
    ),
    Word.UNDER_WAY: (
        "",
        mark("まだ届いていません"),
        mark("同じ照会をもう一度送れます。本人の履歴には一度だけ載ります。"),
    ),
    Word.LOST: (
        "bad",
        mark("答えは届きませんでした"),
        mark("途中で終わりました。必要なら、新しく照会してください。"),
    ),
    Word.UNREADABLE: (
        "bad",
        mark("決められた形の答えではありません"),
        mark("内容は表示しません。係長から相手の機関に知らせてください。"),
    ),
    Word.OVER: ("", mark("もう表示しません"), mark("事案が終わったか、三十日が過ぎました。")),
}
"""Kind of notice, what came of it, what to do now."""

STATES = {
    State.OPEN: ("good", mark("処理中")),
    State.WAITING: ("warn", mark("係長の確認待ち")),
    State.CLOSED: ("", mark("終了")),
    State.REFUSED: ("bad", mark("認められませんでした")),
}
WHYS = {
    Why.NOTHING: "",
    Why.OTHER_UNIT: mark("ほかの係の申請です"),
    Why.NO_APPLICATION: mark("受け付けた申請と合いません"),
    Why.AGAIN: mark("この申請の事案は前にもあります"),
}
ROLES = {
    Role.CLERK: mark("担当者"),
    Role.SUPERVISOR: mark("係長"),
    Role.ADMINISTRATOR: mark("端末管理者"),
}
STANDINGS = {
    Standing.ACTIVE: ("good", mark("使えます")),
    Standing.LOCKED: ("warn", mark("止めています")),
    Standing.REMOVED: ("bad", mark("外しました")),
}
STOPPED = {
    "suspended": mark("止められています"),
    "row-not-in-force": mark("まだ始まっていません"),
    "assessment-missing": mark("特定個人情報保護評価がありません"),
    "assessment-expired": mark("特定個人情報保護評価の期限が切れています"),
    "provider-not-entitled": mark("答えられる機関がありません"),
}
ELSE_STOPPED = mark("今は照会できません")
BY_HAND = mark("保護（不開示）の対象の人については、この端末では照会しません。係長から文書で照会します。")

ACTS = {
    What.STAFF_ADDED: mark("職員を加えた"),
    What.STAFF_LOCKED: mark("職員を止めた"),
    What.STAFF_UNLOCKED: mark("職員を再び使えるようにした"),
    What.STAFF_REMOVED: mark("職員を外した"),
    What.KIN_DECLARED: mark("本人・親族の届出を受けた"),
    What.CODE_PRINTED: mark("コードを渡した"),
    What.ENROLLED: mark("入る方法を登録した"),
    What.LOGGED_IN: mark("ログインした"),
    What.LOGIN_REFUSED: mark("ログインできなかった"),
    What.LOGGED_OUT: mark("ログアウトした"),
    What.CASE_OPENED: mark("事案を開いた"),
    What.CASE_WAITS: mark("事案の確認を求めた"),
    What.CASE_LET: mark("事案を認めた"),
    What.CASE_REFUSED: mark("事案を認めなかった"),
    What.CASE_ASSIGNED: mark("担当を替えた"),
    What.CASE_CLOSED: mark("事案を終えた"),
    What.PERSON_ADDED: mark("事案に人を加えた"),
    What.REFERENCE_UNKNOWN: mark("知らない宛名番号を入れた"),
    What.KIN_TRIED: mark("本人・親族の事案を開こうとした"),
    What.REVIEWED: mark("点検した"),
    What.REVIEW_STOPPED: mark("点検で止めた"),
    What.ASKED: mark("照会した"),
    What.ANSWERED: mark("答えが届いた"),
    What.ANSWER_SEEN: mark("答えを見た"),
    What.PRINTED: mark("印刷用に開いた"),
    What.BULK_BEGUN: mark("一括照会を始めた"),
    What.BULK_ENDED: mark("一括照会の答えを渡した"),
    What.CLAIMS_LISTED: mark("異議と訂正請求の一覧を見た"),
    What.CLAIM_SEEN: mark("異議・訂正請求を読んだ"),
    What.CLAIM_ANSWERED: mark("異議・訂正請求に答えた"),
}

AIMS = {
    Reason.DATA_WRONG: mark("訂正請求（情報がまちがっている）"),
    Reason.NOT_ASKED: mark("この手続きを頼んでいない"),
    Reason.NOT_ME: mark("自分のことではない"),
    Reason.OTHER: mark("そのほか"),
}
OUTCOMES = {
    Outcome.CORRECTED: ("good", mark("訂正した")),
    Outcome.KEPT: ("warn", mark("訂正しない（理由を書く）")),
    Outcome.EXPLAINED: ("good", mark("正しい照会だったと説明する")),
    Outcome.FORWARDED: ("warn", mark("ほかの機関が決める（どこかを書く）")),
}

_CHIEF = mark("係長に相談してください。")
PROBLEMS = {
    "desk-login-unknown": Words(
        mark("入れませんでした"),
        mark("コードか合言葉が違うか、使い終わったか、期限が過ぎています。"),
        mark("端末管理者から新しいコードを受け取ってください。"),
    ),
    "passkey-invalid": Words(
        mark("入れませんでした"),
        mark("このパスキーでは確かめられませんでした。"),
        mark("もう一度試すか、端末管理者から新しいコードを受け取ってください。"),
    ),
    "desk-role-lacking": Words(
        mark("この画面は使えません"), mark("あなたの役割では使えない画面です。何も変わっていません。"), _CHIEF
    ),
    "desk-passphrase-weak": Words(
        mark("合言葉を決められませんでした"),
        mark("十二文字以上で、二回とも同じものを入れてください。"),
        mark("前の画面に戻って、もう一度入れてください。"),
    ),
    "desk-quota-exceeded": Words(
        mark("今日はここまでです"),
        mark("決められた回数を超えました。回数は記録され、係長が見ます。"),
        _CHIEF,
    ),
    "case-unknown": Words(
        mark("事案がありません"),
        mark("この番号の事案は、あなたの事案の中にありません。事案がなければ照会はできません。"),
        mark("番号を確かめてください。担当が替わったときは、係長に聞いてください。"),
    ),
    "case-not-open": Words(
        mark("この事案では今できません"),
        mark("事案が終わっているか、係長の確認を待っています。"),
        _CHIEF,
    ),
    "case-on-kin": Words(
        mark("この事案は担当できません"),
        mark("あなた本人か親族の事案です。試したことは記録されました。"),
        mark("ほかの職員に引き継いでください。"),
    ),
    "person-not-known": Words(
        mark("その宛名番号はありません"),
        mark("この課が知らない番号です。番号で人を探すことはできません。"),
        mark("申請書の番号を確かめてください。間違いが続くと、今日は開けなくなります。"),
    ),
    "reference-unfit": Words(
        mark("その番号は使えません"),
        mark("この端末では個人番号を使いません。宛名番号を入れてください。"),
        mark("申請書の宛名番号を確かめてください。"),
    ),
    "second-person-needed": Words(
        mark("認められませんでした"),
        mark("自分が開いた事案や、ほかの係の事案は決められません。"),
        mark("その係の係長に頼んでください。"),
    ),
    "claim-unfit": Words(
        mark("この異議・訂正請求には答えられません"),
        mark("ないか、ほかの係のものか、もう答えています。答えは一度だけです。何も変わっていません。"),
        mark("一覧に戻って確かめてください。"),
    ),
    "row-by-hand": Words(mark("この端末では照会しません"), BY_HAND, _CHIEF),
}
"""By problem code."""
