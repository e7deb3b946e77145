"""What the commands of `kakine card` ask for: the card's file, the counter's key, secrets that are never arguments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from kakine.card.engine import opened
from kakine.card.printed import Holder
from kakine.card.profile import Profile
from kakine.card.store import Life
from kakine.values.problems import CardDataMalformed

CardArgument = Annotated[Path, typer.Argument(metavar="CARD", help="カード: the card's file.")]
CounterOption = Annotated[
    Path, typer.Option("--counter-key", help="窓口の鍵: the counter's key for this card (a file).")
]
SecretsOption = Annotated[
    typer.FileText | None,
    typer.Option("--secrets", help='TOML `name = "value"` instead of prompts; `-` reads standard input.'),
]
SecretArgument = Annotated[
    str, typer.Argument(metavar="SECRET", help="暗証番号の名: as `kakine card show` lists it.")
]

LIVES = {
    Life.BLANK: "未発行",
    Life.PERSONALISED: "証明書待ち",
    Life.ACTIVE: "有効",
    Life.BLOCKED: "停止",
    Life.REVOKED: "廃止",
}


def life(card: Path) -> str:
    """In Japanese and English."""
    with opened(card) as (store, _):
        found = store.card()[1]
    return f"{LIVES[found]} / {found}"


def counter(path: Path) -> bytes:
    """The counter's key in a file of hex digits. Raises `CardDataMalformed`."""
    try:
        return bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError) as fault:
        raise CardDataMalformed(part="counter-key") from fault


def read(given: typer.FileText) -> dict[str, str]:
    """Names and values of a TOML file. Raises `CardDataMalformed`, which quotes nothing of it."""
    try:
        return msgspec.toml.decode(given.read(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CardDataMalformed(part="secrets") from None


def field(asked: dict[str, str], name: str) -> str:
    """One of them. Raises `CardDataMalformed`."""
    if name not in asked:
        raise CardDataMalformed(part=name)
    return asked[name]


def prompt(what: str, *, twice: bool = False) -> str:
    """What somebody types without its being shown."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("no terminal to ask at: give --secrets FILE, or --secrets -")
    answer: str = typer.prompt(what, hide_input=True, confirmation_prompt=twice)
    return answer


def holder_file(path: Path) -> Holder:
    """Who a card is for, out of a TOML file. Raises `CardDataMalformed`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The library's message may quote values; who reads a terminal over a shoulder need not see them.
        raise CardDataMalformed(part="holder") from None


def chosen_secrets(shape: Profile, given: typer.FileText | None) -> dict[str, str]:
    """The holder's secrets by name: out of `given`, or typed twice each."""
    if given is not None:
        return read(given)
    return {
        secret.name: prompt(f"{secret.title} / {secret.name}", twice=True)
        for _, secret in shape.holders_secrets()
    }
