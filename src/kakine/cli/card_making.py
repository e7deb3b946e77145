"""`kakine card new`, `request`, `load`: from nothing to an active card."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from kakine.card import issuing
from kakine.card.engine import opened
from kakine.card.profile import Kind, profile
from kakine.card.works import Works
from kakine.cli.card_asking import (
    CardArgument,
    CounterOption,
    SecretsOption,
    chosen_secrets,
    holder_file,
    life,
)
from kakine.crypto.chipkeys import certificates_from_file, request_as_pem
from kakine.crypto.files import write_private
from kakine.values.problems import CardExists

RequestsOption = Annotated[
    Path, typer.Option("--requests", help="証明書の請求: folder for the certificate requests (PEM).")
]


def new(
    card: CardArgument,
    kind: Annotated[Kind, typer.Option("--profile", help="今のカードと互換: interop / 本式: product.")],
    requests: RequestsOption,
    counter_key: CounterOption,
    holder: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="本人(架空): who it is for, TOML; interop only."),
    ] = None,
    works: Annotated[
        Path | None, typer.Option(help="発行所: folder with the works' keys, made if missing; interop only.")
    ] = None,
    given: SecretsOption = None,
    pinless: Annotated[
        bool, typer.Option("--pinless", help="暗証番号なし: no secrets, no keys to use online.")
    ] = False,
) -> None:
    """カードを作る: make a card. It draws its own keys; their requests go to whoever issues certificates. Example:

      kakine card new my.card --profile product --requests requests --counter-key my.counter

    Then have the requests certified and load what comes back:

      kakine card load my.card certificates

    An interop card also wants --works works --holder holder.toml, with invented values:

      name = "垣根 花子"

      address = "神奈川県横浜市…"

      birth = 1990-05-05

      sex = 2

      number = "123456789018"

      record_code = "12345678903"

      municipality = "141003"

      expiry = 2036-05-05

      security_code = "1234"
    """
    if card.exists() or counter_key.exists():
        raise CardExists()
    shape = profile(kind)
    who = holder_file(holder) if holder else None
    if shape.key_id and (who is None or works is None):
        raise typer.BadParameter("an interop card needs --holder and --works")
    chosen = {} if pinless else chosen_secrets(shape, given)
    issuing.check_chosen(shape, chosen)
    maker = Works.at(works) if works else None
    requests.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    write_private(counter_key, secret.hex().encode() + b"\n")
    issuing.make_blank(card, shape)
    with opened(card) as (store, _):
        asked = issuing.personalise(store, shape, chosen, secret, os.urandom, who, maker)
    _write(requests, asked)
    typer.echo(f"カード / card: {card} ({life(card)})")


def request(card: CardArgument, requests: RequestsOption) -> None:
    """証明書を請求する: write the requests of a card's keys once more, to renew or if they were lost. Example:

    kakine card request my.card --requests requests
    """
    requests.mkdir(parents=True, exist_ok=True)
    with opened(card) as (store, shape):
        _write(requests, issuing.requests(store, shape))


def load(
    card: CardArgument,
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder with the certificates.")
    ],
) -> None:
    """証明書を載せる: write certificates on the card. With the last one missing it becomes active.

    For a key NAME the folder holds NAME.pem with the issuer's certificate below, or in NAME-issuer.pem; what is not
    there is left out. A certificate of another key, or not signed by its issuer, is refused and nothing is written.

      kakine card load my.card certificates
    """
    with opened(card) as (store, shape):
        found = {}
        for name in (key.name for _, key in shape.key_rows() if key.certificate):
            chain = [
                each
                for path in _chain_files(folder, name)
                for each in certificates_from_file(path.read_bytes())
            ]
            if len(chain) > 1:
                found[name] = (chain[0], chain[1])
        issuing.certify(store, shape, found)
    typer.echo(f"{', '.join(found) or '—'}: {life(card)}")


def _chain_files(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / f"{name}.pem", folder / f"{name}-issuer.pem") if path.is_file()]


def _write(folder: Path, requests: dict[str, bytes]) -> None:
    for name, made in requests.items():
        path = folder / f"{name}.csr"
        path.write_bytes(request_as_pem(made))
        typer.echo(f"請求 / request: {path}")
