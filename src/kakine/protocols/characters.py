"""Two strengths of comparing how people and places are written by computers that encode them differently.

`same` asks whether two texts are one text in two encodings: width, spacing, kana script and size, hyphens,
variation selectors. `alike` also folds characters that are commonly written for one another (異体字) and the
spellings of house numbers. Only `same` may accept; `alike` may propose to a human, because 斉藤 and 齋藤 are
two families.

Texts are kept as they were given; a folded text is for comparing and is never stored as a name or shown.
Follows the cross-office guideline on linking (2023-10-05) and UAX #15. Not checked: that a text is a name or
a place.
"""

from __future__ import annotations

import re
import unicodedata

_IGNORED = re.compile("[\\s\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
"""Spaces, zero-width characters, variation selectors (IVS and standard)."""

_HYPHENS = re.compile("[-\u00ad\u02d7\u2010-\u2015\u2043\u2212\u2500\u2501\u30fc]")

_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30fe]")

_HIRAGANA = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}

_SMALL = dict(
    zip(
        map(ord, "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ"),
        "アイウエオツヤユヨワカケクシストヌハヒフヘホムラリルレロ",
        strict=True,
    )
)

_CHART = """
    斎齋齊斉 高髙 崎﨑嵜碕埼 辺邉邊 吉𠮷 沢澤 浜濱濵 広廣 国國 桜櫻 島嶋嶌 滝瀧 竜龍 恵惠 徳德 富冨 峰峯
    柳栁 曽曾 橋槗 亀龜 鉄鐵 真眞 実實 関關 条條 栄榮 円圓 豊豐 黒黑 兎兔 会會 当當 宝寶 寿壽 静靜 清淸 瀬瀨
    頼賴 児兒 芦蘆 万萬 与與 予豫 権權 観觀 仏佛 参參 両兩 学學 覚覺 励勵 労勞 従從 尚尙 教敎 青靑 増增 蔵藏
    巌巖 蛍螢 戸戶 縁緣 緑綠 録錄 横橫 桑桒 桧檜 土圡𡈽 館舘 薫薰 凛凜 遥遙 尭堯 槙槇 瑶瑤 亜亞 団團 画畫
    鶴靏靍 巻卷 梅楳 渕淵渊 船舩 塩鹽 桝枡 穂穗 稲稻 彦彥 顔顏 産產 駅驛 釈釋 荘莊 糸絲 虫蟲 畑畠 野埜 秋穐
    隣鄰 松枩 来來 礼禮 弥彌 園薗 岳嶽 暦曆 歴歷 鴎鷗 鴬鶯 鶏鷄 麦麥 黄黃 歩步 毎每 聡聰 総總 祢禰 薮藪 将將
    奨奬 晋晉 寛寬 涼凉 単單 庁廳 検檢 険險 塁壘 壱壹 弐貳 読讀 桟棧 浅淺 銭錢 潜潛 渋澁 渉涉 乗乘 畳疊 醸釀
    譲讓
"""

VARIANTS = tuple(_CHART.split())
"""Classes of characters written for one another in names and places. Not complete, and not symmetric in law:
a class says that clerks and computers have confused the two, never that they are the same name."""

_CLASSES = {ord(other): group[0] for group in VARIANTS for other in group[1:] if other != group[0]}

_PLACE_WORDS = {ord("ケ"): "ガ", ord("・"): "", ord("･"): "", ord("."): "", ord(","): "", ord("'"): ""}

_KANJI_NUMBER = re.compile("[一二三四五六七八九十]+(?=丁目|番|号|条)")
_KANJI_DIGITS = {character: value for value, character in enumerate("一二三四五六七八九", 1)}
_HOUSE_NUMBER = re.compile("(?<=[0-9])(?:丁目|番地ノ|番地|番|号|ノ|-)(?=([0-9])|)")


def normal(text: str) -> str:
    """N(text): the form in which two encodings of one text are equal; N(N(text)) = N(text)."""
    folded = _fold(text)
    while (again := _fold(folded)) != folded:
        folded = again
    return folded


def same(one: str, other: str) -> bool:
    """Whether the two are one text in two encodings."""
    return normal(one) == normal(other)


def alike(one: str, other: str) -> bool:
    """Whether a human should be asked if the two mean the same. Never a reason to take one for the other."""
    return _proposal(one) == _proposal(other)


def _fold(text: str) -> str:
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", text))
    text = text.translate(_HIRAGANA).translate(_SMALL)
    return unicodedata.normalize("NFKC", _HYPHENS.sub(_by_context, text))


def _by_context(found: re.Match[str]) -> str:
    # A stroke after katakana is a long vowel, elsewhere a hyphen; people and machines type either for both.
    before = found.string[found.start() - 1 : found.start()]
    return "ー" if _KATAKANA.match(before) else "-"


def _proposal(text: str) -> str:
    folded = normal(text).casefold().translate(_CLASSES)
    folded = _KANJI_NUMBER.sub(lambda found: str(_kanji_value(found[0])), folded)
    folded = _HOUSE_NUMBER.sub(lambda found: "-" if found[1] else "", folded)
    return folded.translate(_PLACE_WORDS)


def _kanji_value(text: str) -> int:
    """Kanji numeral below 100. A row of digits without 十 is read place by place."""
    if "十" not in text:
        return int("".join(str(_KANJI_DIGITS[character]) for character in text))
    tens, _, ones = text.partition("十")
    return 10 * (_KANJI_DIGITS.get(tens, 1)) + _KANJI_DIGITS.get(ones, 0)
