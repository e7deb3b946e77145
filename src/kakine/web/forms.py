"""What a browser may send: bounded, decoded strictly, and from our own page."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from kakine.values.problems import FormUnfit, MessageTooLarge, OriginRefused

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200


class Form:
    """The fields of a form, in the order sent."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def one(self, name: str) -> str:
        """The value, without space around it; "" where there is none. Raises `FormUnfit` for more than one."""
        found = self.all(name)
        if len(found) > 1:
            raise FormUnfit(field=name)
        return found[0].strip() if found else ""

    def all(self, name: str) -> list[str]:
        """Every value of this name."""
        return [value for key, value in self._pairs if key == name]


async def body_of(request: Request, limit: int) -> bytes:
    """At most `limit` bytes. Raises `MessageTooLarge`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise MessageTooLarge(limit=limit)
    return body


def form_of(request: Request, body: bytes) -> Form:
    """Raises `FormUnfit` for another media type, text that is not UTF-8, and control characters but line ends."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise FormUnfit(field="content-type")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as fault:
        raise FormUnfit(field="form") from fault
    for name, value in pairs:
        if not all(sign.isprintable() or sign in "\r\n\t\u3000" for sign in name + value):
            raise FormUnfit(field="form")
    return Form(pairs)


def require_own_page(request: Request, origin: str) -> None:
    """What changes anything comes from a page of this site: `Origin` (Fetch standard), and `Sec-Fetch-Site` where the
    browser says it. Raises `OriginRefused`."""
    if request.headers.getlist("origin") != [origin]:
        raise OriginRefused()
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise OriginRefused()
