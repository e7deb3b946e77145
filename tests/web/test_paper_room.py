"""The room of paper: a page of the portal as a signed PDF, which says what the page says and verifies anywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner

from kakine.cli.root import app
from kakine.paper.making import pictures
from kakine.parties.portal.site.plain import lines_of
from kakine.protocols.signed_pages import verify_page
from kakine.wire.page import Page
from kakine.wire.scanned import pack_page, read_scans
from web.kit import PREFIXES, Plain
from web.portal_site import PortalLand

NAMES = ("held", "coverage", "decisions", "letters", "ways")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    with PortalLand.opened(tmp_path_factory.mktemp("paper") / "land") as opened:
        yield opened


def printed(plain: Plain, page: str, prefix: str = "", **fields: str) -> bytes:
    plain.get(f"{prefix}/paper")
    answer = plain.send(f"{prefix}/paper/sheet", page=page, **fields)
    assert (answer.status, answer.headers["content-type"]) == (200, ["application/pdf"]), answer.text
    assert answer.headers["cache-control"] == ["no-store"]
    return answer.body


def text_of(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join(page.extract_text() for page in pages).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("language", PREFIXES)
def test_every_page_is_printed_in_every_language_and_in_large_letters(
    portal: PortalLand, language: str
) -> None:
    prefix = PREFIXES[language]
    plain = portal.entered(0, prefix)
    for name in NAMES:
        said = text_of(printed(plain, name, prefix))
        assert "portal+" in said, name
    small, large = (
        pypdf.PdfReader(io.BytesIO(printed(plain, "coverage", prefix, **more)))
        for more in ({}, {"large": "yes"})
    )
    assert len(large.pages) > len(small.pages)
    assert large.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert large.trailer["/Root"]["/Lang"] == ("en" if language == "en" else "ja")


def test_the_paper_says_what_the_page_says_and_nothing_that_is_pressed(portal: PortalLand) -> None:
    plain = portal.entered(0)
    page = plain.get("/coverage").text
    said = text_of(printed(plain, "coverage"))
    for tag, line in lines_of(page):
        assert line.replace(" ", "") in said, (tag, line)
    assert "ログアウト" not in said
    assert "本文へ" not in said


def test_a_page_that_is_none_is_refused(portal: PortalLand) -> None:
    plain = portal.entered(0)
    for wrong in ("history", "", "../coverage", "paper"):
        plain.get("/paper")
        assert plain.send("/paper/sheet", page=wrong).status == 400


def test_the_key_that_is_offered_is_the_gazettes(portal: PortalLand) -> None:
    law = portal.site.land.country.book("portal").in_force(portal.site.land.clock())
    answer = portal.browser().get("/paper/portal.txt")
    assert answer.text.startswith("portal+")
    note = portal.site.land.country.portal.house(portal.site.office).stamp
    made = note(Page("portal", 0, "x", "ja", law.gazette.number, (("p", "y"),)))
    assert verify_page(answer.body, made).good


def test_what_a_camera_reads_from_the_paper_verifies_by_the_command(
    portal: PortalLand, tmp_path: Path
) -> None:
    """From the codes as they are printed to the verdict of `kakine verify`."""
    plain = portal.entered(0)
    shown = plain.get("/letters").text
    house = portal.site.land.country.portal.house(portal.site.office)
    page = Page("portal", 1_767_225_600_000, "letters", "ja", 1, tuple(lines_of(shown)))
    texts = pack_page(house.stamp(page))
    codes = {f"code-{j}": text for j, text in enumerate(texts, 1)}
    words = {"check": "", "steps": "", "code": ""}
    data = {
        "lang": "ja",
        "title": "t",
        "size": 10.5,
        "lines": [],
        "facts": [],
        "words": words,
        "footer": "",
        "codes": list(codes),
    }
    found = [
        each.text
        for picture in pictures("page.typ", data, codes, 200)
        for each in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    ]
    assert set(found) == set(texts)
    (tmp_path / "scans.txt").write_text("\r\n".join(found), "ascii")
    (tmp_path / "portal.txt").write_bytes(plain.get("/paper/portal.txt").body)
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "scans.txt")])
    assert done.exit_code == 0, done.output
    assert "2026-01-01T09:00+09:00" in done.output
    assert read_scans("\n".join(found)).page is not None


def test_the_lines_of_a_page_are_its_words(portal: PortalLand) -> None:
    page = (
        "<nav>no</nav><main id=main><h1>A &amp; B</h1><p>one <b>two</b>\n three</p>"
        "<form><p>no</p><button>no</button></form>"
        "<dl><div><dt>when</dt><dd>now</dd></div></dl><table><caption>no</caption><thead><tr><th>no</th></tr></thead>"
        "<tbody><tr><th>x</th><td data-head='h'>1</td></tr></tbody></table><ul><li>h1 \u202eitem</li></ul>"
        "<p><a class='button' href='/'>no</a></p>loose</main><footer>no</footer>"
    )
    assert lines_of(page) == [
        ("h1", "A & B"), ("p", "one two three"), ("li", "when: now"), ("li", "x / h: 1"),
        ("li", "h1 \\u{202e}item"), ("p", "loose"),
    ]  # fmt: skip
