"""The story a demonstration tells: Japanese first, then English."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kakine.cli.demo_checks import Audit, History
from kakine.cli.demo_journal import Figures
from kakine.cli.demo_login import Login, login_lines
from kakine.cli.mandate_words import acted_words
from kakine.cli.own_decisions import decision_words, use_words
from kakine.cli.own_history import RECORDED, VIEWED, Read, Seen
from kakine.cli.own_objections import Disputed
from kakine.cli.verify import harmless
from kakine.contracts.registry import NOT_GIVEN
from kakine.institutions.families import Family
from kakine.protocols.decisions import GROUND as DECISION
from kakine.protocols.decisions import Consent
from kakine.protocols.gazette_pack import Pack
from kakine.values.calendar import day, in_japan
from kakine.values.labels import HASH, DomainName
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.erasure import Reason
from kakine.wire.gazette import Client, Sealing
from kakine.wire.objection import Finding
from kakine.wire.request import Place

RESULTS = {
    "delivered": "提供した / delivered",
    "partial": "一部を提供した / partial",
    "not-known-here": "該当者なし / not known here",
    "needs-a-human": "職員が確認する / needs a human",
    "non-disclosed": "不開示 / not disclosed",
    "stale": "副本が古い / copy too old",
    "expired": "副本の期限切れ / copy expired",
    "refused": "拒否 / refused",
    VIEWED: "閲覧 / viewed",
    RECORDED: "記録済み / recorded",
}


@dataclass(frozen=True)
class Facts:
    """Everything the story is told from, as the parties' stores have it."""

    residents: int
    recorded: int
    results: Counter[str]
    figures: Figures
    family: Family
    history: History
    refused: dict[str, Any]
    stopped: dict[str, Any]
    number: dict[str, Any]
    login: Login
    service: Client
    receipts: tuple[int, int]
    audit: Audit
    leaks: list[str]
    witnesses: int
    head: Checkpoint

    def promises(self) -> dict[str, bool]:
        """What must be true, by name."""
        return {
            "numbers_unique": self.numbers_unique,
            "delivered": self.results["delivered"] > 0,
            "refused": _named(self.refused),
            "stopped": _named(self.stopped) and self.stopped["asked"] == "suspended",
            "number_change": self.number_changed,
            "card_login": self.login.good and bool(self.login_rows),
            "history": self.history.complete and self.history.read.verified > 0,
            "receipts": self.receipts[0] > 0,
            "audited": self.audit.windows > 0 and self.audit.samples > 0 and not self.audit.faults,
            "nothing_in_between": not self.leaks,
            "witnessed": self.history.read.public,
        }

    @property
    def login_rows(self) -> list[Seen]:
        """What the person's own history has of the login and of the card."""
        return self.login.shown_in(self.history.read.lines, DomainName(self.service.domain))

    @property
    def numbers_unique(self) -> bool:
        """Everybody is recorded, the living with one number each and nobody's given twice."""
        return self.recorded == self.residents

    @property
    def number_changed(self) -> bool:
        """The old number is dead, the new one leads to the same codes, and the same question is answered."""
        told = self.number
        return bool(
            told["changed"]
            and told["old"] == NOT_GIVEN
            and told["new"] == "delivered"
            and told["before"] == told["after"] == "delivered"
        )

    def as_json(self) -> str:
        """One line."""
        read = self.history.read
        return json.dumps(
            {
                "residents": self.residents,
                "numbers_unique": self.numbers_unique,
                "exchanges": self.results.total(),
                "delivered": self.results["delivered"],
                "refused": int(_named(self.refused)),
                "stopped": int(_named(self.stopped)),
                "p50_ms": self.figures.p50_ms,
                "p99_ms": self.figures.p99_ms,
                "per_second": self.figures.per_second,
                "history": {
                    "entries": read.signed,
                    "verified": read.verified,
                    "complete": self.history.complete,
                    "witnessed": read.witnessed,
                },
                "login": {
                    "acr": self.login.acr,
                    "items": sorted(self.login.learnt),
                    "portal_kept": self.login.kept,
                    "issuer_asked": self.login.authority_asked,
                    "history_rows": len(self.login_rows),
                },
                "ledger": {"size": self.head.size, "root": self.head.root.hex(), "witnesses": self.witnesses},
                "answers": dict(self.results),
                "receipts": {"requests": self.receipts[0], "entries": self.receipts[1]},
                "audit": asdict(self.audit),
                "promises": self.promises(),
            }
        )


def _named(said: dict[str, Any]) -> bool:
    return bool(said["asked"] and said["insisted"] and said["grown"] == 0)


class Words:
    """Names of the pack in both languages."""

    def __init__(self, pack: Pack, sealings: Mapping[str, Sealing] | None = None) -> None:
        """`sealings` by row, out of every version of the law there has been."""
        self._pack = pack
        self._sealings = sealings or {}
        self._domains = {domain.name: party for party in pack.parties for domain in party.domain}
        self._items = {item.id: item for item in pack.items}

    def domain(self, name: str) -> str:
        """市 and desk. The domain where enrolment starts is nobody's: it reads as the entry it stands for."""
        if name == HASH:
            return "(新規登録 / first entry)"
        party = self._domains.get(name)
        return f"{party.ja} {name}" if party else name

    def procedure(self, ground: str) -> str:
        """Law and article; the ground itself where it is no procedure."""
        entry = next((each for each in self._pack.procedures.values() if each.id == ground), None)
        if entry is not None:
            return f"{entry.law_ja} {entry.article}"
        found = next((each for each in self._pack.grounds if each.id == ground), None)
        return f"{found.ja} {found.article}" if found else ground

    def withheld(self, rows: Sequence[str]) -> tuple[str, str]:
        """Why what was asked under these rows was withheld, with the article: Japanese, then English."""
        found = [self._sealings[row] for row in rows if row in self._sealings]
        ja = "・".join(f"{each.ja}({each.article})" for each in found)
        return ja, "; ".join(f"{each.en} ({each.article})" for each in found)

    def item(self, name: str) -> str:
        """情報項目."""
        found = self._items.get(name)
        return f"{found.ja} / {found.en}" if found else name


def history_lines(
    read: list[Seen],
    words: Words,
    disputes: Mapping[Place, Disputed] | None = None,
    consents: Sequence[Consent] = (),
) -> Iterator[str]:
    """For each request when, who asked whom, under which article and row, what came of it; by place how it stands with
    the person's objection to it; and under which of the person's `consents` it was made."""
    used = {place: consent.allowed for consent in consents for place in consent.uses}
    for line in read:
        when = in_japan(line.time_ms)
        yield (
            f"  {when:%Y-%m-%d %H:%M}  {words.domain(line.requester)} → {words.domain(line.recipient)}"
            f"  台帳 #{line.index} ✓"
        )
        rows = "・".join(line.rows)
        under = f"{words.procedure(line.ground)} {rows}".rstrip()
        yield f"      {under}  {RESULTS.get(line.result, '未確認 / not confirmed')}"
        if line.sealed_until:
            yield from (f"      {said}" for said in sealed_words(line, words))
        if line.ground == DECISION:
            yield from (f"      {said}" for said in decision_words(line.case))
        if line.place in used:
            yield from (f"      {said}" for said in use_words(used[line.place]))
        if acted := acted_words(line.items):
            yield f"      {acted}"
        if disputes and line.place in disputes:
            yield f"      {dispute_words(disputes[line.place])}"


def sealed_words(line: Seen, words: Words) -> Iterator[str]:
    """That a line was withheld, until when, and why."""
    (ja, en), until = words.withheld(line.rows), day(line.sealed_until)
    yield f"この記録は {until} まであなたに示されていませんでした。理由: {ja}"
    yield f"withheld from you until {until}, because: {en}"


def dispute_words(stands: Disputed) -> str:
    """How it stands with an objection."""
    answer = stands.answer
    if stands.doubt:
        return f"異議への回答を確かめられない / what the commission tells does not hold: {stands.doubt}"
    if answer is None:
        since = in_japan(stands.minutes * 60_000)
        return f"異議申立て中 ({since:%Y-%m-%d %H:%M} から) / disputed, not answered yet"
    if answer.finding is Finding.RIGHT:
        return "異議に回答あり: 変換は正しかった / answered: the conversion was right"
    if answer.finding is Finding.NOT_RELEASED:
        return "異議に回答あり: 提供されずに終わった / answered: it was stopped, and nothing was given out"
    party, fault = harmless(answer.party), harmless(answer.fault)
    return f"異議に回答あり: {party} の誤り ({fault}) / answered: {party} at fault"


def tell(facts: Facts, words: Words) -> Iterator[str]:
    """The story, line by line."""
    yield from _opening(facts)
    yield from _exchange(facts, words)
    yield from _own_history(facts, words)
    yield from _refusals(facts)
    shown = history_lines(facts.login_rows, words)
    yield from login_lines(facts.login, facts.service, facts.family.members[0].resident.name, shown)
    yield from _closing(facts)


def _opening(facts: Facts) -> Iterator[str]:
    yield ""
    yield "■ 一つの国 / One country"
    yield f"架空の住民 {facts.residents} 人(横浜・札幌・豊中)を登録し、番号を一人に一つ付けました。"
    yield f"{facts.residents} synthetic residents of three towns were entered and numbered, one number each."
    yield f"照会 {facts.results.total()} 件 / exchanges, 毎秒 {facts.figures.per_second} 件/s,"
    yield f"一件 p50 {facts.figures.p50_ms} ms · p99 {facts.figures.p99_ms} ms (16 case workers at a time):"
    for result, count in facts.results.most_common():
        yield f"  {count:6}  {RESULTS.get(result, result)}"


def _exchange(facts: Facts, words: Words) -> Iterator[str]:
    head = facts.family.members[0].resident
    line = next(each for each in facts.history.read.lines if each.rows == ("JO106.2",))
    yield ""
    yield f"■ {head.name}さんの児童手当 / One family applies for child allowance"
    yield f"{words.domain(line.requester)} が {words.domain(line.recipient)} に照会しました。 / asks"
    yield f"根拠 / under: {words.procedure(line.ground)} {line.rows[0]}"
    yield f"項目 / item: {words.item(line.items[0])}"
    yield "  変換機関(3者)は、誰が誰にどの根拠で照会したかを見て、誰についてかは分かりません。"
    yield "    The converters see who asks whom under which row, not about whom."
    yield "  記録保管機関は、符号が有効かを見て、暗号文を預かります。照会者も根拠も分かりません。"
    yield "    The record keeper sees a valid code and ciphertext, not who asks or why."
    yield "  公開台帳にあるのは80バイトだけです。 / The ledger has 80 bytes, and these are they:"
    yield f"    {line.entry.hex()}"
    yield "  住民登録機構は何も見ません。 / The registry sees nothing of it."
    scan = "どこにもありません / found nowhere" if not facts.leaks else f"! {', '.join(facts.leaks)}"
    yield "  この世帯の氏名・住所・番号・宛名番号を、台帳・変換機関・記録保管機関のファイル全部で探すと:"
    yield f"    {scan}"


HOLDS = {
    Reason.LITIGATION: "訴訟 / litigation",
    Reason.REVIEW: "審査請求 / request for administrative review",
    Reason.COURT: "裁判所の命令 / order of a court",
    Reason.MISUSE: "不正利用の調査 / inquiry into misuse",
}


def retention_lines(read: Read) -> Iterator[str]:
    """What is there no more, what is kept on, and why."""
    for row in read.erased:
        yield (
            f"  {in_japan(row.entry.minutes * 60_000):%Y-%m-%d %H:%M}  台帳 {row.origin} #{row.index} ✓  "
            "保存期間の満了により消去 / erased on schedule"
        )
    for place, reasons in read.held.items():
        words = "・".join(HOLDS[Reason(each)] if each in set(Reason) else each for each in reasons)
        yield f"  台帳 {place.log} #{place.index}: 保存期間を延長中 / held beyond its time: {words}"


def completeness_lines(read: Read) -> Iterator[str]:
    """Whether that is everything, and who confirms it."""
    for keeper, places in read.hidden.items():
        yield f"× {keeper} は #{', #'.join(map(str, places))} を示していない / does not show these entries."
    for keeper, why in read.doubts.items():
        yield f"× {keeper} の索引と合わない / its public index does not fit: {why}"
    if not read.complete:
        yield "不完全: この一覧をすべてと見なせない。 / NOT complete."
        return
    sure, keepers = read.verified - read.provisional, len(read.confirmed)
    witnesses = read.witnesses if read.public else 0
    yield (
        f"完全: {sure} 件中 {sure} 件、記録保管者 {keepers} 者の公開索引と証人 {witnesses} 者が確認。"
        f"最後の索引より新しい {read.provisional} 件は暫定。"
    )
    yield (
        f"complete: {sure} of {sure}, confirmed by {keepers} record keepers and {witnesses} witnesses; "
        f"{read.provisional} later than the last index, provisional."
    )
    yield (
        f"国全体でこれまでに封印された記録 {read.sealed} 件(だれのものかは公開されない)。 / "
        f"sealed for a time in the whole country so far: {read.sealed} entries, nobody is told whose."
    )


def _own_history(facts: Facts, words: Words) -> Iterator[str]:
    read = facts.history.read
    yield ""
    yield "■ 本人が見る記録 / What the person reads"
    yield from history_lines(read.lines, words)
    yield f"署名のある {read.signed} 行のうち {read.verified} 行を検証。"
    yield f"行われた照会のうち記録にないもの {facts.history.missing} 件。"
    yield f"{read.verified} of {read.signed} signed rows verified; {facts.history.missing} exchanges missing."
    yield from completeness_lines(read)


def _refusals(facts: Facts) -> Iterator[str]:
    refused, stopped, number = facts.refused, facts.stopped, facts.number
    yield ""
    yield "■ できないこと / What cannot be done"
    yield f"税務課が年金を照会 → 拒否 {refused['asked']}。"
    yield f"自庁の検査を外しても、変換機関が拒否 {refused['insisted']}。"
    yield (
        f"A tax office asks about a pension: refused, and by the converters if it skips its own check. "
        f"Ledger +{refused['grown']}."
    )
    yield f"委員会が一つの行を停止 → 拒否 {stopped['asked']} / {stopped['insisted']}。"
    yield (
        "The commission suspends a row: the converters refuse before the asking town has heard. "
        f"Ledger +{stopped['grown']}."
    )
    yield f"番号を変更 → 旧番号は {number['old']}、同じ照会は {number['before']} → {number['after']}。"
    yield "A new number: the old one is dead, every code and answer stays as it was."


def _closing(facts: Facts) -> Iterator[str]:
    requests, entries = facts.receipts
    yield ""
    yield f"■ 証拠 / Evidence: 受領証 {requests} 通({entries} 件)をすべて検証 / receipts verified;"
    yield f"台帳 / ledger: {facts.head.size} entries, root {facts.head.root.hex()}"
    yield f"証人 {facts.witnesses} 者がこの先頭に署名 / witnesses have signed this head"
    checked = facts.audit
    yield (
        f"監査 / audit: 照会 {checked.exchanges} 件を {checked.windows} 組で検算、登録 {checked.samples} 件を抽出、"
        f"誤り {checked.faults} 件 / {checked.exchanges} single exchanges in {checked.windows} windows and "
        f"{checked.samples} sampled enrolments checked, {checked.faults} faults"
    )
    for name, kept in facts.promises().items():
        if not kept:
            yield f"✗ 約束が破れた / promise broken: {name}"
