"""Requests as no honest caller writes them: what is read twice by two parsers, what does not end, what is no HTTP.

`SMUGGLED` stands in each where a second request could be taken for one. Whatever a server makes of it, it is never
answered.
"""

from __future__ import annotations

import gzip

import msgspec

HELLO = msgspec.msgpack.encode({"text": "hello"})
_SECOND = msgspec.msgpack.encode({"text": "smuggled"})


def head(path: str, *fields: bytes, method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    """A head with these fields, each a whole line."""
    return b"".join(
        [f"{method} {path} {version}\r\n".encode(), b"host: x\r\n", *(f + b"\r\n" for f in fields), b"\r\n"]
    )


def smuggled(path: str) -> bytes:
    """A whole request that may not be answered."""
    return head(path, b"content-length: %d" % len(_SECOND), b"x-mark: smuggled") + _SECOND


LENGTH = b"content-length: %d" % len(HELLO)
CHUNKED = b"transfer-encoding: chunked"
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HELLO), HELLO)


def read_twice(path: str) -> dict[str, bytes]:
    """Shapes whose length, or whose end of a line, two readers may see differently."""
    more = smuggled(path)
    both = b"content-length: %d" % (len(HELLO) + len(more))
    return {
        "two lengths": head(path, LENGTH, both) + HELLO + more,
        "two lengths, the longer first": head(path, both, LENGTH) + HELLO + more,
        "two lengths in one field": head(path, b"content-length: %d, %d" % (len(HELLO), len(more))) + HELLO + more,
        "length and chunks": head(path, both, CHUNKED) + CHUNK + more,
        "chunks and length": head(path, CHUNKED, LENGTH) + b"0\r\n\r\n" + more,
        "an unknown coding": head(path, LENGTH, b"transfer-encoding: xchunked") + HELLO + more,
        "chunked and another": head(path, b"transfer-encoding: chunked, identity", LENGTH) + CHUNK + more,
        "chunked twice": head(path, CHUNKED, b"transfer-encoding: identity", LENGTH) + CHUNK + more,
        "a space before the colon": head(path, b"transfer-encoding : chunked", LENGTH) + CHUNK + more,
        "a sign before the coding": head(path, b"transfer-encoding: \x0bchunked", LENGTH) + CHUNK + more,
        "a folded length": head(path, b"x: y\r\n content-length: 0", LENGTH) + HELLO[:3] + more,
        "a folded coding": head(path, b"transfer-encoding:\r\n chunked", LENGTH) + CHUNK + more,
        "a length with a sign": head(path, b"content-length: +%d" % len(HELLO)) + HELLO + more,
        "a length below zero": head(path, b"content-length: -1") + more,
        "a length in hexadecimal": head(path, b"content-length: 0x%x" % len(HELLO)) + HELLO + more,
        "a length of blanks": head(path, b"content-length: 1 2") + HELLO + more,
        "a length without end": head(path, b"content-length: " + b"9" * 40) + HELLO + more,
        "a length with a NUL": head(path, b"content-length: %d\x00" % len(HELLO)) + HELLO + more,
        "a NUL in a field": head(path, LENGTH, b"x-a: b\x00c") + HELLO + more,
        "a NUL in a name": head(path, LENGTH, b"x-\x00a: b") + HELLO + more,
        "a lone CR": head(path, b"x-a: b\rcontent-length: 0", LENGTH) + HELLO + more,
        "lone LFs": head(path, LENGTH).replace(b"\r\n", b"\n") + HELLO + more,
        "one lone LF": head(path, b"x: y\ncontent-length: 0", LENGTH) + HELLO + more,
        "a chunk of another size": head(path, CHUNKED) + b"2\r\n" + HELLO + b"\r\n0\r\n\r\n" + more,
        "a chunk with a sign": head(path, CHUNKED) + b"+" + CHUNK + more,
        "a chunk beyond numbers": head(path, CHUNKED) + b"f" * 17 + b"\r\n" + HELLO + b"\r\n0\r\n\r\n" + more,
        "a chunk with lone LFs": head(path, CHUNKED) + CHUNK.replace(b"\r\n", b"\n") + more,
        "a chunk's extension with a line": head(path, CHUNKED) + b"1;a\nb\r\nx\r\n0\r\n\r\n" + more,
        "no end of the chunks": head(path, CHUNKED) + b"1\r\nx\r\n" + more,
        "a request in a body": head(path, b"content-length: %d" % len(more)) + more,
        "after the last": head(path, LENGTH, b"connection: close") + HELLO + more,
        "an upgrade": head(path, LENGTH, b"connection: upgrade", b"upgrade: websocket",
                           b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", b"sec-websocket-version: 13") + b"x" + more,
        "an upgrade to HTTP/2": head(path, LENGTH, b"connection: upgrade, http2-settings", b"upgrade: h2c",
                                     b"http2-settings: AAMAAABkAAQAAP__") + b"x" + more,
    }  # fmt: skip


def no_requests(path: str) -> dict[str, bytes]:
    """What is no request of HTTP/1.1, or none that anything here takes."""
    return {
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "HTTP/0.9": f"GET {path}\r\n\r\n".encode(),
        "no version": f"POST {path}\r\n\r\n".encode(),
        "another version": head(path, LENGTH, version="HTTP/9.9") + HELLO,
        "a version twice": head(path, LENGTH, version="HTTP/1.1 HTTP/1.1") + HELLO,
        "a line of its own": b"\x00\x01\x02\r\n\r\n",
        "TLS in TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(80),
        "CONNECT": head("x:443", method="CONNECT"),
        "a star": head("*", LENGTH) + HELLO,
        "no path": head("", LENGTH) + HELLO,
        "a method of signs": head(path, LENGTH, method="PO\x00ST") + HELLO,
        "small letters": head(path, LENGTH, method="post") + HELLO,
        "packed": head(path, b"content-encoding: gzip", b"content-length: 30") + gzip.compress(HELLO)[:30],
        "JSON": head(path, b"content-type: application/json", b"content-length: 16") + b'{"text":"hello"}',
    }


PATHS = ("/v1/..", "/../etc/passwd", "/v1/echo/..", "/v1//echo", "/v1/./echo", "/%2e%2e/v1/echo", "/v1%252fecho",
         "/v1/%2565cho", "/V1/ECHO", "/v1/echo.", "/v1/echo%20", "/v1/echo%00", "/v1/echo\\", "/v1\\echo", "/v1/echo#",
         "/v1/echo?", "/v1/echo;", "/v1/ｅcho", "/v1/éecho", "/v1/e\u0301cho", "/v1/%ef%bd%85cho", "/v1/%c0%aeecho",
         "//x/v1/echo", "http://x/v1/echo", "x:/v1/echo", "/v1/echo/", "/v1/calls/v1/echo",
         "/v1/" + "a" * 5000)  # fmt: skip
"""None of them is `/v1/echo`."""

NAMES = ("", ".", "..", "../converter-1", "a/../b", "a%2fb", "a%2e%2e", "A", "Alice", "ａlice", "alicé", "alice\u0301",
         "alice.", "alice ", " alice", "alice\x00", "alice\n", "-alice", "1alice", "a" * 33, "al ice", "al_ice",
         "alice/",         "/alice", "al\\ice", "аlice", "alice\u200b", "alice\u202e", "ſalice", "K")  # fmt: skip
"""None of them is a party: signs that a file system, a URL or a reader takes for something else."""
