"""How an agency's gateway starts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from kakine.clients.exchange import Network
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.office import Validate
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.footing import SECOND, Footing, Site, Working
from kakine.runtime.layouts import Layouts
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.schedule import Chore
from kakine.values.labels import DomainName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domains` are those of the agency that this gateway runs."""

    domains: Annotated[list[DomainName], Meta(min_length=1)]


def start(place: Footing, own: Own, validate: Validate) -> Gateway:
    """Not ready before its `start` has run. `validate` holds data against the layouts. Raises `StoreInUse`."""
    return Gateway(own.domains, Network(place.converters, place.logs), *place.common, validate)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own, with the layouts of the legal pack that is installed. What an earlier process has left
    is this one's before a call is answered, and is taken up while calls are."""
    layouts = Layouts(read_pack(pack_files(pack_folder())).layouts)
    made = start(place, own, layouts.validate)
    await made.begin()
    app, store = made.app, made.office.db
    chores = [Chore("open", 3 * SECOND, made.desk.go_on, "open")]
    if store.replica:
        chores.append(Chore("replicas", 3 * SECOND, made.watch, "replicas"))
    return Working(lambda: app, made.close, begin=made.enrol, chores=chores, store=store)
