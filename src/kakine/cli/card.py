"""`kakine card`: make a software card, put it into a reader, look at it, change and unblock its secrets."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from kakine.card import issuing, vpcd
from kakine.card.engine import Card, opened
from kakine.card.printed import Holder
from kakine.card.profile import Kind, Profile, profile
from kakine.card.session import Interface
from kakine.card.store import Life
from kakine.card.terminal import Terminal
from kakine.card.works import Works, write_private
from kakine.crypto.chipkeys import certificates_from_file, request_as_pem
from kakine.values.problems import CardDataMalformed, CardExists

app = typer.Typer(
    no_args_is_help=True, help="ソフトウェアのカード: a software card, as a file, for tests and trials."
)

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

_LIVES = {
    Life.BLANK: "未発行",
    Life.PERSONALISED: "証明書待ち",
    Life.ACTIVE: "有効",
    Life.BLOCKED: "停止",
    Life.REVOKED: "廃止",
}


@app.command()
def new(
    card: CardArgument,
    kind: Annotated[Kind, typer.Option("--profile", help="今のカードと互換: interop / 本式: product.")],
    requests: Annotated[Path, typer.Option(help="証明書の請求: folder for the certificate requests (PEM).")],
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
    who = _holder(holder) if holder else None
    if shape.key_id and (who is None or works is None):
        raise typer.BadParameter("an interop card needs --holder and --works")
    chosen = {} if pinless else _chosen(shape, given)
    issuing.check_chosen(shape, chosen)
    maker = Works.at(works) if works else None
    requests.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    write_private(counter_key, secret.hex().encode() + b"\n")
    issuing.make_blank(card, shape)
    with opened(card) as (store, _):
        asked = issuing.personalise(store, shape, chosen, secret, os.urandom, who, maker)
    for name, request in asked.items():
        path = requests / f"{name}.csr"
        path.write_bytes(request_as_pem(request))
        typer.echo(f"請求 / request: {path}")
    typer.echo(f"カード / card: {card} ({_life(card)})")


@app.command()
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
    typer.echo(f"{', '.join(found) or '—'}: {_life(card)}")


@app.command()
def show(card: CardArgument) -> None:
    """カードを見る: kind, life, tries left, which files are written. Needs no PIN, shows nothing of a person."""
    with opened(card) as (store, shape):
        typer.echo(f"{shape.title}")
        typer.echo(f"状態 / life: {_LIVES[store.card()[1]]} {store.card()[1]}")
        if store.card()[1] is Life.BLANK:
            return
        for application, secret in shape.secret_rows():
            if secret.printed:
                continue
            state = store.secret(application.name, secret.id)
            left = f"{state.tries}/{secret.tries}" if state.usable else "なし / none"
            typer.echo(f"{secret.name}: {secret.title}, 残り / tries left {left}")
        for application, key in shape.key_rows():
            made = "鍵あり / made" if store.key(application.name, key.id) else "鍵なし / none"
            held = bool(key.certificate and store.content(application.name, key.certificate))
            typer.echo(f"{application.name} {key.name}: {key.kind}, {made}" + ", 証明書 / certificate" * held)
        for name, place, size in store.sizes():
            typer.echo(f"{name} {place}: {size} bytes")


@app.command()
def insert(
    card: CardArgument,
    host: Annotated[str, typer.Option(help="Where vpcd listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of vpcd's reader.")] = 35963,
    contactless: Annotated[
        bool, typer.Option("--contactless", help="かざす: the chip is reached by radio, not by contacts.")
    ] = False,
    log: Annotated[
        Path | None, typer.Option(help="Append each command, with data masked, to this file.")
    ] = None,
) -> None:
    """リーダーに差し込む: put the card into the virtual reader of vpcd, until Ctrl-C or the reader's end. Example:

      kakine card insert my.card --log my.log

    vpcd listens on every address without a password: give it a network namespace of its own (docs/howto).
    """
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _taken_out)
    interface = Interface.CONTACTLESS if contactless else Interface.CONTACT
    with opened(card) as (store, shape), vpcd.inserted(host, port) as road:
        typer.echo(f"差し込んだ / inserted: {host}:{port}")
        if log is None:
            vpcd.serve(Card(store, shape, os.urandom, interface), road)
            return
        with log.open("a", buffering=1, encoding="utf-8") as lines:
            vpcd.serve(Card(store, shape, os.urandom, interface, lambda line: print(line, file=lines)), road)


@app.command(name="change-pin")
def change_pin(card: CardArgument, secret: SecretArgument, given: SecretsOption = None) -> None:
    """暗証番号を変える: change a PIN or password, knowing the old one. A wrong old one costs a try. Example:

      kakine card change-pin my.card pin

    With --secrets the file has `old` and `new`.
    """
    with _terminal(card) as (terminal, shape):
        shape.find_secret(secret)
        asked = (
            _read(given)
            if given
            else {"old": _prompt("今の / old"), "new": _prompt("新しい / new", twice=True)}
        )
        terminal.change(secret, _field(asked, "old"), _field(asked, "new"))
    typer.echo(f"{secret}: 変更した / changed")


@app.command()
def unblock(
    card: CardArgument, counter_key: CounterOption, secret: SecretArgument, given: SecretsOption = None
) -> None:
    """窓口で暗証番号を再設定する: a new PIN with all its tries, by the counter's key, which no holder has. Example:

      kakine card unblock my.card signature-password --counter-key my.counter

    Who stands at the counter is for a human to see; the card knows only that the counter's key was there. With
    --secrets the file has `new`.
    """
    with _terminal(card) as (terminal, shape):
        shape.find_secret(secret)
        asked = _read(given) if given else {"new": _prompt("新しい / new", twice=True)}
        terminal.unblock(secret, _field(asked, "new"), _counter(counter_key))
    typer.echo(f"{secret}: 再設定した / set anew")


@app.command()
def stop(
    card: CardArgument,
    counter_key: CounterOption,
    lift: Annotated[bool, typer.Option("--lift", help="停止を解く: end a stop.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="廃止: for ever; the keys are destroyed.")] = False,
) -> None:
    """窓口でカードを止める: stop the card at the counter, end that, or end the card for ever. Example:

    kakine card stop my.card --counter-key my.counter
    """
    if lift and revoke:
        raise typer.BadParameter("--lift and --revoke exclude each other")
    with _terminal(card) as (terminal, _):
        terminal.set_status(0x7F if revoke else 0x00 if lift else 0x01, _counter(counter_key))
    typer.echo(f"{card}: {_life(card)}")


def _chain_files(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / f"{name}.pem", folder / f"{name}-issuer.pem") if path.is_file()]


@contextmanager
def _terminal(card: Path) -> Iterator[tuple[Terminal, Profile]]:
    with opened(card) as (store, shape):
        yield Terminal(Card(store, shape, os.urandom).answer, shape), shape


def _taken_out(*_: object) -> None:
    raise typer.Exit()


def _life(card: Path) -> str:
    with opened(card) as (store, _):
        life = store.card()[1]
    return f"{_LIVES[life]} / {life}"


def _counter(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError) as fault:
        raise CardDataMalformed(part="counter-key") from fault


def _holder(path: Path) -> Holder:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The library's message may quote values; who reads a terminal over a shoulder need not see them.
        raise CardDataMalformed(part="holder") from None


def _chosen(shape: Profile, given: typer.FileText | None) -> dict[str, str]:
    if given is not None:
        return _read(given)
    return {
        secret.name: _prompt(f"{secret.title} / {secret.name}", twice=True)
        for _, secret in shape.holders_secrets()
    }


def _read(given: typer.FileText) -> dict[str, str]:
    try:
        return msgspec.toml.decode(given.read(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CardDataMalformed(part="secrets") from None


def _field(asked: dict[str, str], name: str) -> str:
    if name not in asked:
        raise CardDataMalformed(part=name)
    return asked[name]


def _prompt(what: str, *, twice: bool = False) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("no terminal to ask at: give --secrets FILE, or --secrets -")
    answer: str = typer.prompt(what, hide_input=True, confirmation_prompt=twice)
    return answer
