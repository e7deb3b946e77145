"""A page of ours as lines of text: what is read on it, without what is pressed. So a sheet says what the page says."""

from __future__ import annotations

from html.parser import HTMLParser

from kakine.wire.page import Line, line_of

_TAGS = {"h1": "h1", "h2": "h2", "h3": "h3", "h4": "h3", "p": "p", "li": "li", "div": "p", "section": "p"}
_PRESSED = frozenset(
    {"form", "button", "script", "noscript", "nav", "select", "svg", "style", "caption", "thead"}
)
_VOID = frozenset({"input", "br", "hr", "img", "link", "meta", "wbr"})


def lines_of(page: str) -> list[Line]:
    """The lines of what stands in `main`. A row of a table is one line, with the head of each cell before it, and so
    are a name and its value."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    reader.ends()
    return reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self._text: list[str] = []
        self._tag = "p"
        self._inside = False
        self._skipped: list[str] = []
        self._cells: list[str] = []
        self._head = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "main":
            self._inside = True
        if tag in _VOID or not self._inside:
            return
        classes = (given.get("class") or "").split()
        if (
            self._skipped
            or tag in _PRESSED
            or given.get("aria-hidden") == "true"
            or (tag == "a" and "button" in classes)
        ):
            self._skipped.append(tag)
        elif tag in _TAGS:
            self.ends()
            self._tag = _TAGS[tag]
        elif tag in ("dt", "dd", "th", "td", "tr"):
            self._begins_cell(tag, given.get("data-head") or "")

    def _begins_cell(self, tag: str, head: str) -> None:
        if tag in ("dt", "tr"):
            self.ends()
            self._cells = []
        self._text, self._head, self._tag = [], head, "li"

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self.ends()
            self._inside = False
        elif self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.pop()
        elif tag in ("dt", "th", "td", "dd"):
            self._ends_cell(tag)
        elif tag == "tr":
            self._row()
        elif tag in _TAGS:
            self.ends()

    def _ends_cell(self, tag: str) -> None:
        said = " ".join("".join(self._text).split())
        self._cells.append(f"{self._head}: {said}" if self._head else said)
        self._text, self._head = [], ""
        if tag == "dd":
            self._row(": ")

    def _row(self, between: str = " / ") -> None:
        said = between.join(each for each in self._cells if each)
        self._cells = []
        if said:
            self.lines.append(line_of("li", said))

    def ends(self) -> None:
        """What was being read is a line."""
        said, self._text = "".join(self._text).strip(), []
        if said:
            self.lines.append(line_of(self._tag, said))
        self._tag = "p"

    def handle_data(self, data: str) -> None:
        if self._inside and not self._skipped:
            self._text.append(data)
