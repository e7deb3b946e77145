"""Paper cannot be forged, mixed or turned into something else, and nobody gets another's (spec/verify.md section 7)."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pypdf
import pytest

from kakine.crypto.passkeys import Passkey
from kakine.crypto.signing import SigningKey
from kakine.paper.making import typeset
from kakine.parties.portal.site.plain import lines_of
from kakine.protocols.signed_pages import believed, verify_page
from kakine.values.problems import ScanUnreadable
from kakine.wire.page import Page, line_of
from kakine.wire.policy import LOG, log_key, vkey
from kakine.wire.scanned import pack_page, read_scans
from web.portal_site import PortalLand

from land import ref

KEY, OTHER = SigningKey(b"portal".ljust(32)), SigningKey(b"somebody".ljust(32))
KEYS = believed(log_key(vkey("portal", LOG, KEY.public)))
PAGE = Page("portal", 1_767_225_600_000, "ways", "ja", 1, (("h1", "この窓口への入り方"), ("p", "カード")))
TYPST = (
    "#set page(fill: red)",
    "*bold* _emph_ $x^2$",
    '#read("data.json")',
    "= heading",
    "\\u{41} <label> @ref",
    "// gone",
)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", " ")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalLand]:
    with PortalLand.opened(tmp_path_factory.mktemp("papers") / "land") as opened:
        site = opened.site
        made = Passkey(b"id".ljust(32), bytes(65), 0)
        site.run(site.land.country.portal.bind_passkey(ref(0), made))
        yield opened


def test_a_page_for_one_persons_session_is_not_given_to_another(portal: PortalLand) -> None:
    """Two people ask for the same page in turn; each paper has what that person's own page says."""
    both = [portal.entered(j) for j in range(2)]
    for _ in range(2):
        said = []
        for plain in both:
            plain.get("/paper")
            answer = plain.send("/paper/sheet", page="decisions")
            assert answer.headers["cache-control"] == ["no-store"]
            said.append("パスキーの登録" in text_of(answer.body).replace(" ", ""))
        assert said == [True, False]


def test_who_is_not_inside_gets_no_paper(portal: PortalLand) -> None:
    inside, outside = portal.entered(0), portal.browser()
    inside.get("/paper")
    assert outside.get("/paper").location == "/"
    answer = outside.post("/paper/sheet", inside.forms["/paper/sheet"] | {"page": "decisions"})
    assert answer.status != 200
    assert b"%PDF" not in answer.body
    inside.get("/paper")
    inside.get("/")
    inside.send("/leave")
    answer = inside.post("/paper/sheet", {"page": "decisions", "token": "0" * 64, "once": "0" * 32})
    assert b"%PDF" not in answer.body


def test_a_form_of_another_site_has_nothing_signed(portal: PortalLand) -> None:
    plain = portal.entered(0)
    plain.get("/paper")
    form = plain.forms["/paper/sheet"] | {"page": "held"}
    assert plain.post("/paper/sheet", form, origin="https://elsewhere.example").status == 403
    assert plain.post("/paper/sheet", form | {"token": "0" * 64}).status == 400


def test_a_page_signed_by_another_key_is_refused_even_under_the_portals_name() -> None:
    assert verify_page(KEYS, PAGE.sign(KEY)).good
    for forged in (
        PAGE.sign(OTHER),
        PAGE.sign(KEY).rpartition(b"\n\n")[0] + b"\n\n" + PAGE.sign(OTHER).rpartition(b"\n\n")[2],
    ):
        assert not verify_page(KEYS, forged).good


def test_a_changed_byte_of_a_signed_page_is_refused() -> None:
    note = PAGE.sign(KEY)
    changed = [note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :] for at in range(len(note))]
    assert [at for at, each in enumerate(changed) if verify_page(KEYS, each).good] == []


def test_a_spare_signature_that_nobody_looks_at_is_refused() -> None:
    """A line of an unknown key could be changed unseen."""
    spare = PAGE.sign(OTHER).rpartition(b"\n\n")[2]
    assert not verify_page(KEYS, PAGE.sign(KEY) + spare).good


def test_codes_of_two_papers_make_no_third() -> None:
    lines = [
        line_of("p", f"{j} " * 9 + "".join(chr(0x4E00 + (j * 977 + k * 131) % 20000) for k in range(60)))
        for j in range(40)
    ]
    first, second = (Page("portal", 60_000 * j, "held", "ja", 1, tuple(lines[j:])) for j in (1, 2))
    one, two = pack_page(first.sign(KEY)), pack_page(second.sign(KEY))
    assert len(one) == len(two) > 2
    assert read_scans("\n".join(one)).page == first.sign(KEY)
    for at in range(len(one)):
        with pytest.raises(ScanUnreadable):
            read_scans("\n".join([*one[:at], two[at], *one[at + 1 :]]))
    marks = one[0].split("/")[4], two[0].split("/")[4]
    for at in range(len(one)):
        with pytest.raises(ScanUnreadable):
            read_scans("\n".join([*one[:at], two[at].replace(marks[1], marks[0]), *one[at + 1 :]]))


@pytest.mark.parametrize("text", TYPST)
def test_a_text_of_an_agency_stays_text_on_paper(text: str) -> None:
    """Nothing of it is a command of the typesetter."""
    words = {"check": "c", "steps": "s", "code": "q"}
    facts = {"facts": [["by", text]], "words": words, "footer": "f", "codes": [], "size": 10.5, "lang": "en"}
    for tag in ("h2", "p", "li"):
        made = typeset("page.typ", {**facts, "title": text, "lines": [[tag, text]]})
        assert text_of(made).replace(" ", "").count(text.replace(" ", "")) >= 3


def test_a_text_of_an_agency_makes_no_line_of_a_signed_page() -> None:
    """Markup, line ends and turned directions in a name stay in its line."""
    for text in ("x\nh1 Title", "x\u2028h1 Title", "</li><h1>Title</h1>", "x\r\n\r\n\u2014 portal AAAA"):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        lines = lines_of(f"<main><ul><li>{escaped}</li></ul></main>")
        assert [tag for tag, _ in lines] == ["li"]
        assert Page("portal", 0, "held", "ja", 1, tuple(lines)).text().count("\n") == 8
