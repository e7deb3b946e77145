"""`kakine paper`: what people without a device carry home, on A4."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from kakine.cli.demo_story import RESULTS, Words
from kakine.cli.history import protagonist, sealings
from kakine.cli.own_history import Read, Seen, own_history
from kakine.cli.receipts import named
from kakine.cli.visiting import DirOption, visited
from kakine.cli.yearly import Yearly, yearly
from kakine.paper.making import typeset
from kakine.protocols.signed_pages import believed, page_key
from kakine.protocols.words import words_of
from kakine.values.calendar import in_japan
from kakine.web.dates import day_text
from kakine.web.language import Language as PageLanguage
from kakine.wire.opening import SUFFIX as RECORD_SUFFIX
from kakine.wire.proof import SUFFIX as RECEIPT_SUFFIX
from kakine.wire.scanned import Scanned, pack

app = typer.Typer(
    no_args_is_help=True, help="紙: A4 pages for people without a device; anybody can verify them."
)

TEXTS: Mapping[str, Any] = json.loads(Path(__file__).with_name("paper_texts.json").read_text("utf-8"))
_COUNTRY = {"ja": "垣根の国（架空）", "easy": "垣根の国（つくりごと）", "en": "Country of Kakine (made up)"}


class Language(StrEnum):
    """日本語, やさしい日本語, English."""

    JA = "ja"
    EASY = "easy"
    EN = "en"

    @property
    def page(self) -> PageLanguage:
        """The same of the portal's pages."""
        return PageLanguage[self.name]


@app.command()
def history(
    directory: DirOption,
    out: Annotated[Path, typer.Option(help="The PDF to write (mode 600).", dir_okay=False)],
    person: Annotated[
        str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
    ] = "",
    language: Annotated[Language, typer.Option(help="Language of the page.")] = Language.JA,
    receipts: Annotated[
        bool, typer.Option(help="A page for each line, with its receipt and record as QR codes.")
    ] = True,
) -> None:
    """記録の写しを紙に: a resident's own history as a PDF, for a counter to print or to post.

    Only what has verified is printed. Each line's receipt and record follow as QR codes, which a library's computer
    reads as text; saved as files they go into `kakine verify` as they stand. Example:

      kakine paper history --dir country/1-1000 --out mine.pdf
    """
    _write(out, asyncio.run(_history(directory, person.encode(), language, receipts)))


@app.command()
def year(
    directory: DirOption,
    of: Annotated[int, typer.Option("--year", help="Which year (Japan).", min=2000, max=2200)],
    out: Annotated[Path, typer.Option(help="The PDF to write (mode 600).", dir_okay=False)],
    person: Annotated[
        str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
    ] = "",
    language: Annotated[Language, typer.Option(help="Language of the page.")] = Language.JA,
) -> None:
    """年次のお知らせ: how often a resident's data were exchanged in a year, and by whom, as a PDF.

    Counted out of the verified history; where that is not complete the letter says so. Example:

      kakine paper year --dir country/1-1000 --year 2026 --out letter.pdf
    """
    _write(out, asyncio.run(_year(directory, person.encode(), language, of)))


@app.command()
def key(
    directory: DirOption,
    out: Annotated[
        Path, typer.Option(help="The file to write: portal.txt for `kakine verify`.", dir_okay=False)
    ],
) -> None:
    """窓口の鍵: the key under which the portal signs pages, out of the gazette in force.

    Whoever is shown a signed page verifies it under this key. Example:

      kakine paper key --dir country/1-1000 --out portal.txt
    """
    out.write_bytes(asyncio.run(_key(directory)))


async def _key(folder: Path) -> bytes:
    async with visited(folder) as country:
        law = country.book("portal").in_force(country.site.clock())
        return believed(page_key(law))


def _write(out: Path, pages: bytes) -> None:
    out.unlink(missing_ok=True)  # a file that is there may be open to others, or point elsewhere
    out.touch(mode=0o600, exist_ok=False)
    out.write_bytes(pages)
    typer.echo(f"{out}: {len(pages)} bytes")


async def _year(folder: Path, account: bytes, language: Language, of: int) -> bytes:
    async with visited(folder) as country:
        read = await own_history(country, account or protagonist(folder))
        names = json.loads(words_of(country.site.pack))["parties"]
        return typeset("year.typ", _letter(yearly(read, of), read, names, language, country.site.clock()))


def _letter(
    counts: Yearly, read: Read, names: Mapping[str, Sequence[str]], language: Language, now_ms: int
) -> dict[str, Any]:
    texts, at = TEXTS[language], 1 if language is Language.EN else 0
    rest = [texts["own"].format(own=counts.own)]
    if counts.erased:
        rest.append(texts["gone"].format(erased=counts.erased))
    facts = {"year": counts.year, "exchanged": counts.exchanged, "organisations": counts.receivers}
    return {
        "lang": "en" if language is Language.EN else "ja",
        "title": texts["year_title"].format(year=counts.year),
        "made": _made(texts, now_ms, language),
        "footer": texts["footer"],
        "said": list(_said(read, texts)),
        "exchanged": texts["exchanged"].format(**facts),
        "asked": texts["asked"].format(asked=counts.asked),
        "columns": texts["year_columns"],
        "organisations": [
            [names[party][at] if party in names else party, str(went), str(asked)]
            for party, went, asked in counts.organisations
        ],
        "results": [f"{_result(result, language)}: {count}" for result, count in counts.results],
        "rest": rest,
    }


def _result(result: str, language: Language) -> str:
    ja, _, en = RESULTS.get(result, "未確認 / not confirmed").partition(" / ")
    return (en or ja) if language is Language.EN else ja


def _made(texts: Mapping[str, Any], now_ms: int, language: Language) -> str:
    now = in_japan(now_ms)
    made: str = texts["made"].format(
        day=_day(now_ms, language), time=f"{now:%H:%M}", country=_COUNTRY[language]
    )
    return made


async def _history(folder: Path, account: bytes, language: Language, receipts: bool) -> bytes:
    with TemporaryDirectory(prefix="kakine-paper-") as name:
        files = Path(name)
        async with visited(folder) as country:
            read = await own_history(country, account or protagonist(folder), files)
            words = Words(country.site.pack, sealings(country))
            now_ms = country.site.clock()
        codes = dict(codes_of(read, files)) if receipts else {}
        return typeset("history.typ", _data(read, words, language, now_ms, codes), codes)


def codes_of(read: Read, files: Path) -> Iterator[tuple[str, str]]:
    """The text of each QR code by the name of its picture, of files that `own_history` has exported there."""
    for number, line in enumerate(read.lines, 1):
        place = named(line.origin, line.index)
        for kind, suffix, name in (
            (Scanned.RECEIPT, RECEIPT_SUFFIX, "receipt"),
            (Scanned.RECORD, RECORD_SUFFIX, "record"),
        ):
            yield f"{name}-{number}", pack(kind, (files / f"{place}{suffix}").read_bytes())


def _data(
    read: Read, words: Words, language: Language, now_ms: int, codes: Mapping[str, str]
) -> dict[str, Any]:
    texts = TEXTS[language]
    return {
        "lang": "en" if language is Language.EN else "ja",
        "title": texts["title"],
        "made": _made(texts, now_ms, language),
        "footer": texts["footer"],
        "said": list(_said(read, texts)),
        "words": {key: texts[key] for key in ("list", "columns", "check", "number", "receipt", "record")},
        "steps": texts["steps"],
        "lines": [
            _line(number, line, words, language, f"receipt-{number}" in codes)
            for number, line in enumerate(read.lines, 1)
        ],
    }


def _day(time_ms: int, language: Language) -> str:
    return day_text(in_japan(time_ms).date(), language.page)


def _said(read: Read, texts: Mapping[str, Any]) -> Iterator[str]:
    if not read.complete:
        yield texts["incomplete"]
        return
    witnesses = read.witnesses if read.public else 0
    yield texts["complete"].format(count=read.verified, keepers=len(read.confirmed), witnesses=witnesses)
    if read.provisional:
        yield texts["provisional"].format(count=read.provisional)


def _line(number: int, line: Seen, words: Words, language: Language, coded: bool) -> dict[str, Any]:
    def one(text: str) -> str:
        """The half of a text in two languages."""
        ja, _, en = text.partition(" / ")
        return (en or ja) if language is Language.EN else ja

    return {
        "number": number,
        "time": f"{_day(line.time_ms, language)} {in_japan(line.time_ms):%H:%M}",
        "who": f"{words.domain(line.requester)} → {words.domain(line.recipient)}",
        "why": f"{words.procedure(line.ground)} {'・'.join(line.rows)}".rstrip(),
        "items": "、".join(one(words.item(item)) for item in line.items),
        "result": _result(line.result, language),
        "place": TEXTS[language]["place"].format(log=line.origin, index=line.index),
        "coded": coded,
    }
