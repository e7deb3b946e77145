"""How an agency's gateway starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.types import ASGIApp

from kakine.clients.exchange import Network
from kakine.crypto.passkeys import Site as PasskeySite
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.desk.office import Names
from kakine.parties.gateway.desk_site import site as desk_site
from kakine.parties.gateway.office import Validate
from kakine.protocols.gazette_pack import Pack, read_pack
from kakine.runtime.footing import SECOND, Footing, Site, Working
from kakine.runtime.layouts import Layouts
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.schedule import Chore
from kakine.values.labels import DomainName
from kakine.web.hosts import by_host


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domains` are those of the agency that this gateway runs. `desks` has the address (scheme, host, port) at which
    case workers reach the pages of a domain's desk, for those that have one here."""

    domains: Annotated[list[DomainName], Meta(min_length=1)]
    desks: dict[str, str] = {}

    def __post_init__(self) -> None:
        if not self.desks.keys() <= set(map(str, self.domains)):
            raise ValueError("a desk of a domain that is not run here")
        if len(set(self.desks.values())) < len(self.desks):
            raise ValueError("two desks at one address")
        if not all(_origin(each) for each in self.desks.values()):
            raise ValueError("a desk's address is not scheme, host and port")


def _origin(text: str) -> bool:
    parts = urlsplit(text)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and text == f"{parts.scheme}://{parts.netloc}"
    )


def start(place: Footing, own: Own, validate: Validate) -> Gateway:
    """Not ready before its `start` has run. `validate` holds data against the layouts. Raises `StoreInUse`."""
    return Gateway(own.domains, Network(place.converters, place.logs), *place.common, validate)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own, with the layouts of the legal pack that is installed."""
    pack = read_pack(pack_files(pack_folder()))
    layouts = Layouts(pack.layouts)
    made = start(place, own, layouts.validate)
    pages = desks(made, own.desks, layouts, pack) if own.desks else None
    app, store = made.app, made.office.db
    chores = (Chore("replicas", 3 * SECOND, made.watch, "replicas"),) if store.replica else ()
    return Working(lambda: app, made.close, begin=made.start, chores=chores, pages=pages, store=store)


def desks(made: Gateway, at: Mapping[str, str], layouts: Layouts, pack: Pack) -> ASGIApp:
    """The pages of these desks, each at an origin of its own, where its passkeys live. Raises `DomainNotRun`."""
    files = {each.id: Names(each.ja, each.en) for each in pack.files}
    return by_host(
        {
            origin: desk_site(
                made.case_desk(
                    DomainName(domain), layouts, files, PasskeySite(origin, urlsplit(origin).hostname or "")
                )
            ).app()
            for domain, origin in at.items()
        }
    )
