"""A person without a device carries home what a stranger's computer can verify."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner, Result

from kakine.cli.root import app
from kakine.paper.making import pictures, require_printable
from kakine.values.problems import GlyphMissing, ScanUnreadable
from kakine.wire.scanned import Scanned, pack, unpack

from land import Land, ref


def kakine(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country of which person 0 has been asked about."""
    at = tmp_path_factory.mktemp("paper") / "land"
    with Land.founded(at, people=1) as land:
        land.run(land.ask(0))
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
    return at


def printed(folder: Path, out: Path, *words: object) -> pypdf.PdfReader:
    done = kakine("paper", "history", "--dir", folder, "--person", ref(0).decode(), "--out", out, *words)
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    return pypdf.PdfReader(out)


def text_of(pages: pypdf.PdfReader) -> str:
    return "".join(page.extract_text() for page in pages.pages).replace("\n", "").replace(" ", "")


def test_a_copy_lists_every_line_in_words_and_says_whether_that_is_all(folder: Path, tmp_path: Path) -> None:
    pages = printed(folder, tmp_path / "mine.pdf", "--no-receipts")
    said = text_of(pages)
    for words in (
        "情報提供等の記録の写し",
        "この写しはすべての記録を載せています",
        "児童手当法",
        "地方税関係情報",
        "提供した",
    ):
        assert words in said
    assert (pages.metadata.title, pages.trailer["/Root"]["/Lang"]) == ("情報提供等の記録の写し", "ja")
    assert pages.trailer["/Root"]["/MarkInfo"]["/Marked"]  # a reader for blind people finds rows and headings


@pytest.mark.parametrize(
    ("language", "words"), [("easy", "あなたのきろくのうつし"), ("en", "Copyoftherecordsaboutyou")]
)
def test_a_copy_in_easy_japanese_and_english(folder: Path, tmp_path: Path, language: str, words: str) -> None:
    assert words in text_of(printed(folder, tmp_path / "mine.pdf", "--no-receipts", "--language", language))


def seen(picture: bytes) -> list[str]:
    """The texts of all QR codes in a picture, left to right."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return [each.text for each in sorted(found, key=lambda each: each.position.top_left.x)]


def page_of(codes: dict[str, str]) -> bytes:
    """The codes of one line as they are printed, 200 dots an inch: what a cheap scanner sees."""
    line = {
        "number": 1,
        "time": "1",
        "who": "2",
        "why": "3",
        "items": "",
        "result": "",
        "place": "",
        "coded": True,
    }
    words = {"list": "", "columns": [""] * 5, "check": "", "number": "", "receipt": "", "record": ""}
    data = {"lang": "ja", "title": "", "made": "", "footer": "", "said": [], "steps": [], "words": words}
    return pictures("history.typ", {**data, "lines": [line]}, codes, 200)[-1]


def test_what_a_scanner_reads_from_the_paper_verifies_and_one_changed_sign_does_not(
    folder: Path, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    exported = kakine("history", "--dir", folder, "--person", ref(0).decode(), "--export", files)
    assert exported.exit_code == 0
    newest = max(files.glob("*.record.json"), key=lambda path: int(path.name.partition(".")[0]))
    receipt = newest.with_name(newest.name.replace(".record.json", ".tlog-proof"))
    codes = {
        "receipt-1": pack(Scanned.RECEIPT, receipt.read_bytes()),
        "record-1": pack(Scanned.RECORD, newest.read_bytes()),
    }
    read = seen(page_of(codes))
    assert read == [codes["receipt-1"], codes["record-1"]]
    (tmp_path / "a.txt").write_text(read[0] + "\r\n")
    (tmp_path / "b.txt").write_text(read[1])
    words = ("verify", tmp_path / "a.txt", "--record", tmp_path / "b.txt", "--policy", files / "policy.txt")
    good = kakine(*words)
    assert good.exit_code == 0, good.output
    for name, text in (("a.txt", read[0]), ("b.txt", read[1])):
        for at in range(12, len(text), 131):
            changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            (tmp_path / name).write_text(changed)
            done = CliRunner().invoke(app, [str(word) for word in words])
            assert done.exit_code == 1, (name, at)
        (tmp_path / name).write_text(text)
    assert kakine(*words).exit_code == 0


def test_a_file_comes_back_byte_for_byte() -> None:
    for data in (b"", b"{}\n", bytes(range(256)) * 8):
        text = pack(Scanned.RECORD, data)
        assert unpack(f"  {text}\r\n", Scanned.RECORD) == data
        assert all(sign in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:" for sign in text)


def test_other_texts_cut_texts_and_bombs_are_refused() -> None:
    text = pack(Scanned.RECEIPT, b"a receipt" * 100)
    bomb = pack(Scanned.RECEIPT, bytes(1 << 24))
    for wrong in (
        "",
        "KAKINE1/E/",
        text[:-3],
        text.lower(),
        text.replace("KAKINE1", "KAKINE2"),
        text + "00",
        bomb,
    ):
        with pytest.raises(ScanUnreadable):
            unpack(wrong, Scanned.RECEIPT)
    with pytest.raises(ScanUnreadable):
        unpack(text, Scanned.RECORD)


def test_a_sign_that_the_font_lacks_is_named_and_nothing_is_printed() -> None:
    require_printable({"name": ["渡邉　花子", "髙﨑", "葛󠄀"[0]]})
    with pytest.raises(GlyphMissing) as refused:
        require_printable({"name": "垣\U0002f9ff"})
    assert refused.value.facts == {"signs": ["U+2F9FF"]}
