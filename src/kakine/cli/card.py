"""`kakine card`: make a software card, put it into a reader, look at it, change and unblock its secrets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kakine.card import vpcd
from kakine.card.engine import Card, opened
from kakine.card.profile import Profile
from kakine.card.session import Interface
from kakine.card.store import Life
from kakine.card.terminal import Terminal
from kakine.cli import card_issuing, card_losing, card_making
from kakine.cli.card_asking import (
    LIVES,
    CardArgument,
    CounterOption,
    SecretArgument,
    SecretsOption,
    counter,
    field,
    life,
    prompt,
    read,
)

app = typer.Typer(
    no_args_is_help=True, help="ソフトウェアのカード: a software card, as a file, for tests and trials."
)

app.command()(card_issuing.issue)
app.command()(card_making.new)
app.command()(card_making.request)
app.command()(card_making.load)
app.command()(card_losing.lost)
app.command()(card_losing.found)
app.command(name="give-up")(card_losing.give_up)
app.command(name="loss-code")(card_losing.loss_code)


@app.command()
def show(card: CardArgument) -> None:
    """カードを見る: kind, life, tries left, which files are written. Needs no PIN, shows nothing of a person."""
    with opened(card) as (store, shape):
        typer.echo(f"{shape.title}")
        typer.echo(f"状態 / life: {LIVES[store.card()[1]]} {store.card()[1]}")
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
            read(given) if given else {"old": prompt("今の / old"), "new": prompt("新しい / new", twice=True)}
        )
        terminal.change(secret, field(asked, "old"), field(asked, "new"))
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
        asked = read(given) if given else {"new": prompt("新しい / new", twice=True)}
        terminal.unblock(secret, field(asked, "new"), counter(counter_key))
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
        terminal.set_status(0x7F if revoke else 0x00 if lift else 0x01, counter(counter_key))
    typer.echo(f"{card}: {life(card)}")


@contextmanager
def _terminal(card: Path) -> Iterator[tuple[Terminal, Profile]]:
    with opened(card) as (store, shape):
        yield Terminal(Card(store, shape, os.urandom).answer, shape), shape


def _taken_out(*_: object) -> None:
    raise typer.Exit()
