"""What a kind of card is: its applications, files, secrets, keys and who may use them (spec/card.md section 3).

The engine has no other knowledge of a profile than these tables. A condition is the name of a secret of the same
application that was given right, or `contact`: the card lies in a contact reader.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Self

import msgspec

from kakine.crypto.chipkeys import KeyKind
from kakine.values.problems import CardDataMalformed, CardSecretMalformed, CardSecretUnknown

CONTACT = "contact"
COUNTER = "counter"
"""Condition that the counter's key was proved; it serves one command."""


class FileKind(StrEnum):
    """How a file is read: READ BINARY, READ RECORD, GET DATA."""

    TRANSPARENT = "transparent"
    RECORDS = "records"
    OBJECT = "object"


class Form(StrEnum):
    """Characters of a secret. A password has upper-case letters and digits, at least one of each."""

    DIGITS = "digits"
    PASSWORD = "password"  # noqa: S105


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: str
    name: str


class File(_Row, frozen=True):
    """A file or data object. `read` empty: anybody; else any one of the conditions opens it. `content`: the same on
    every card, in hex."""

    kind: FileKind = FileKind.TRANSPARENT
    read: tuple[str, ...] = ()
    content: str = ""


class Secret(_Row, frozen=True):
    """A PIN, a password, or what is printed on the card. `padded`: sent with FF up to this length."""

    title: str
    form: Form
    least: int
    most: int
    tries: int
    padded: int = 0
    printed: bool = False
    same_as: str = ""

    def bytes_of(self, text: str) -> bytes:
        """As the card compares it. Raises `CardSecretMalformed`, which does not show the text."""
        data = text.encode("ascii", "replace")
        padded = data.ljust(self.padded, b"\xff")
        if not self.fits(padded):
            raise CardSecretMalformed(secret=self.name, form=self.form, least=self.least, most=self.most)
        return padded

    def fits(self, data: bytes) -> bool:
        """Whether `data`, padded if the secret is, has the form."""
        if self.padded and len(data) != self.padded:
            return False
        bare = data.rstrip(b"\xff") if self.padded else data
        if not self.least <= len(bare) <= self.most:
            return False
        if self.form is Form.DIGITS:
            return all(byte in b"0123456789" for byte in bare)
        letters = sum(65 <= byte <= 90 for byte in bare)
        digits = sum(48 <= byte <= 57 for byte in bare)
        return letters + digits == len(bare) and bool(letters and digits)


class Key(_Row, frozen=True):
    """A key pair made on the chip. `use` empty: anybody may have it sign. `once`: a secret serves one signature.
    `certificate` and `issuer` are ids of the files that hold them; without the first the chip's key is certified by
    the works that made the card, or by nobody."""

    kind: KeyKind
    use: tuple[str, ...] = ()
    once: bool = False
    certificate: str = ""
    issuer: str = ""


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One application. `references`: VERIFY names secrets by P2 as PIV does, and a query may say 9000; else by file,
    and a query always gives the counter. `answer` is given on selection, in hex; `blocked` is the status word."""

    name: str
    title: str
    aid: str
    commands: frozenset[str]
    default: bool = False
    references: bool = False
    answer: str = ""
    blocked: str = "6984"
    file: tuple[File, ...] = ()
    secret: tuple[Secret, ...] = ()
    key: tuple[Key, ...] = ()

    def __post_init__(self) -> None:
        known = {row.name for row in self.secret} | {CONTACT}
        wanted = {name for row in self.file for name in row.read} | {
            name for key in self.key for name in key.use
        }
        ids = [row.id for row in (*self.file, *self.secret, *self.key)]
        held = {part for key in self.key for part in (key.certificate, key.issuer) if part}
        if wanted - known or len(ids) != len(set(ids)) or held - {row.id for row in self.file}:
            raise CardDataMalformed(part=f"profile/{self.name}")

    def named_file(self, name: str) -> File:
        """The file of this name; `CardDataMalformed` if there is none."""
        for row in self.file:
            if row.name == name:
                return row
        raise CardDataMalformed(part=name)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of card. `key_id`: the first digit of ids of keys that sign what is printed; empty without such."""

    name: str
    title: str
    atr: str
    application: tuple[Application, ...]
    key_id: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """From TOML. Raises `CardDataMalformed` for unknown or missing fields and for names that do not fit."""
        try:
            return msgspec.convert(tomllib.loads(text), cls)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
            raise CardDataMalformed(part="profile") from fault

    @property
    def first(self) -> Application:
        """The application that is selected when power comes on."""
        return next(each for each in self.application if each.default)

    def secret_rows(self) -> Iterator[tuple[Application, Secret]]:
        """Every secret with its application."""
        for application in self.application:
            for secret in application.secret:
                yield application, secret

    def key_rows(self) -> Iterator[tuple[Application, Key]]:
        """Every key with its application."""
        for application in self.application:
            for key in application.key:
                yield application, key

    def holders_secrets(self) -> list[tuple[Application, Secret]]:
        """Those that the holder chooses: not what is printed, and one of those that are set alike."""
        return [(a, s) for a, s in self.secret_rows() if not s.printed and not s.same_as]

    def find_secret(self, name: str) -> tuple[Application, Secret]:
        """A secret that the holder chose, by name. Raises `CardSecretUnknown`."""
        for application, secret in self.secret_rows():
            if secret.name == name and not secret.printed:
                return application, secret
        raise CardSecretUnknown()


class Kind(StrEnum):
    """The profiles that come with the project."""

    INTEROP = "interop"
    PRODUCT = "product"


@cache
def profile(kind: str) -> Profile:
    """One of the project's profiles."""
    return Profile.read(files("kakine.card").joinpath("profiles", f"{Kind(kind)}.toml").read_text("utf-8"))
