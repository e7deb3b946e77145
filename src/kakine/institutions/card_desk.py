"""A town's counter hands over a card: it is made there, certified through registry and authority, loaded, and bound to
the person's account at the portal.

Each step is written down beside the card before the next: the same call after a crash goes on where it was. A key is
certified once, so a request that was lost would cost the card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.card import issuing
from kakine.card.engine import opened
from kakine.card.holder import KEY
from kakine.card.printed import Holder
from kakine.card.profile import Kind, Profile, profile
from kakine.card.store import Life
from kakine.card.works import Works
from kakine.contracts.registry import Subject
from kakine.crypto import files
from kakine.crypto.cards import CardCertificate
from kakine.crypto.files import write_private
from kakine.institutions.counter import CardCounter
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.vouching import bind_card
from kakine.runtime.identity import Entropy
from kakine.values import certificates
from kakine.values.certificates import Use
from kakine.values.labels import DomainName
from kakine.values.problems import CardDataMalformed, CardExists, VoucherInvalid

Tell = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Visitor:
    """Who stands at the counter: as the registry is asked (`subject`), and as the residents' desk knows them
    (`clerk`, whose procedure and rows are not used). `holder` is what a card of the interop profile prints."""

    subject: Subject
    clerk: Question
    holder: Holder | None = None


@dataclass(frozen=True)
class Order:
    """The card to make. `secrets` gives what the holder chooses, and is called only if the card has none yet; `works`
    is the folder of the keys that sign what is printed."""

    card: Path
    counter_key: Path
    kind: Kind
    secrets: Callable[[Profile], Mapping[str, str]]
    works: Path | None = None

    @property
    def account_key(self) -> Path:
        """For the holder: by it all certificates of the account are found in the log of issuance."""
        return self.card.with_name(f"{self.card.name}.account-key")

    @property
    def notes(self) -> Path:
        """How far it is; gone when all is done."""
        return self.card.with_name(f"{self.card.name}.issuing")


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    """One key's way to a certificate. `request` is PKCS#10; empty is what has not come yet."""

    request: bytes
    voucher: bytes = b""
    certificate: bytes = b""
    root: bytes = b""


class _Notes(msgspec.Struct, forbid_unknown_fields=True):
    keys: dict[str, _Key]


@dataclass(frozen=True)
class CardDesk:
    """The counter of the town of `gateway`."""

    counter: CardCounter
    gateway: Gateway
    portal: DomainName
    entropy: Entropy

    async def issue(self, visitor: Visitor, order: Order, tell: Tell) -> bytes:
        """Make, certify, load and bind a card, from wherever it stands; the certificate for logging in (DER).

        Raises `CardExists` for a card that is finished, or in another life; `KeyAlreadyCertified` if a key was asked
        for longer ago than its voucher was good: then the card is to be made anew. Else what card, registry, authority
        and portal refuse with (`PersonNotKnown` without an account: the card is made, and the next call binds it).
        """
        shape = profile(order.kind)
        self._make(visitor, order, shape, tell)
        notes = self._noted(order, shape)
        for name, key in notes.keys.items():
            if not key.certificate:
                await self._certify(visitor, order, notes, name)
                tell(f"証明書 / certificate: {name}")
        with opened(order.card) as (store, _):
            issuing.certify(
                store, shape, {name: (key.certificate, key.root) for name, key in notes.keys.items()}
            )
        tell("カードに載せた / loaded: 有効 / active")
        login = notes.keys[KEY].certificate if KEY in notes.keys else b""
        if login:
            office, desk = self.gateway.office, self.gateway.desk
            await bind_card(office, desk, visitor.clerk, self.portal, CardCertificate(login).digest)
            tell("ログインの口座に結び付けた / bound to the account at the portal")
        order.notes.unlink()
        return login

    def _make(self, visitor: Visitor, order: Order, shape: Profile, tell: Tell) -> None:
        if order.card.exists():
            with opened(order.card) as (store, found):
                life = store.card()[1]
            if found.name != shape.name or not (
                order.notes.exists() or life in (Life.BLANK, Life.PERSONALISED)
            ):
                raise CardExists()
            if life is not Life.BLANK:
                return
        elif order.counter_key.exists():
            raise CardExists()  # it is another card's
        if shape.key_id and (visitor.holder is None or order.works is None):
            raise CardDataMalformed(part="holder")
        chosen = order.secrets(shape)
        issuing.check_chosen(shape, chosen)
        works = Works.at(order.works) if order.works else None
        if not order.card.exists():
            issuing.make_blank(order.card, shape)
        secret = self._counter_key(order.counter_key)
        with opened(order.card) as (store, _):
            made = issuing.personalise(store, shape, chosen, secret, self.entropy, visitor.holder, works)
        tell(f"カードを作った / card made: {order.card} ({len(made)} 鍵 / keys to certify)")

    def _counter_key(self, path: Path) -> bytes:
        if not path.exists():
            write_private(path, self.entropy(32).hex().encode() + b"\n")
        try:
            return bytes.fromhex(path.read_text("ascii"))
        except ValueError as fault:
            raise CardDataMalformed(part="counter-key") from fault

    def _noted(self, order: Order, shape: Profile) -> _Notes:
        """What the card's keys have asked for: the same bytes at every start."""
        if order.notes.exists():
            try:
                return msgspec.json.decode(order.notes.read_bytes(), type=_Notes)
            except msgspec.DecodeError as fault:
                raise CardDataMalformed(part="notes") from fault
        with opened(order.card) as (store, _):
            asked = issuing.requests(store, shape)
        notes = _Notes({name: _Key(request) for name, request in asked.items()})
        _keep(order.notes, notes)
        return notes

    async def _certify(self, visitor: Visitor, order: Order, notes: _Notes, name: str) -> None:
        """Asked again with the voucher of before where there is one: if the authority has signed, it answers the same.
        When that voucher is too old, with a new one."""
        key, wanted = notes.keys[name], _profile(name, order.kind)
        given = None
        if key.voucher:
            with suppress(VoucherInvalid):
                given = await self.counter.submit(wanted, key.request, key.voucher)
        if given is None:
            key.voucher = await self.counter.vouched(visitor.subject, wanted)
            _keep(order.notes, notes)
            given = await self.counter.submit(wanted, key.request, key.voucher)
        key.certificate, key.root = given.certificate, given.root
        if not order.account_key.exists():
            write_private(order.account_key, given.account_key.hex().encode() + b"\n")
        _keep(order.notes, notes)


def _profile(name: str, kind: Kind) -> certificates.Profile:
    """The certificate that a key of this name gets on a card of this kind."""
    return next(
        each
        for each in certificates.PERSONAL
        if each.use is Use(name) and each.interop is (kind is Kind.INTEROP)
    )


def _keep(path: Path, notes: _Notes) -> None:
    """Whole or not at all, and for its owner alone: vouchers are in it."""
    files.replace(path, msgspec.json.encode(notes))
