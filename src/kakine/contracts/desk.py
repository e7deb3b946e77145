"""What an agency's own systems tell its desk, where that runs in the gateway's process: who works there, and which
applications have come in. Called with the agency's own certificate, as `contracts.agency` is.

Whoever has that certificate has the agency's folder; nothing here shows a resident.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.agency import Printed, Reference
from kakine.contracts.call import Body, Call, Nothing, Role

MOST_APPLICATIONS = 1000
"""In one message."""
MOST_PEOPLE = 32
"""In one application."""


class OfDesk(Body, frozen=True):
    """The desk of a domain."""

    domain: str


class Added(Body, frozen=True):
    """Somebody new at a desk. `role` is one of `parties.gateway.desk.people_store.Role`."""

    domain: str
    name: str
    unit: str
    role: str


class Enrolling(Body, frozen=True):
    """The reference of somebody new, and the code with which they enrol at the pages within three days."""

    official: str
    code: str


class Colleague(Body, frozen=True):
    """Somebody of a desk, also who has left."""

    official: str
    role: str
    state: str
    unit: str
    name: str


class Colleagues(Body, frozen=True):
    """Everybody of a desk."""

    people: list[Colleague]


class CodeFor(Body, frozen=True):
    """A code is wanted, for one shift or to enrol anew (`parties.gateway.desk.people_store.Use`)."""

    domain: str
    official: str
    use: str


class StateOf(Body, frozen=True):
    """Locked, active again, or removed for good (`parties.gateway.desk.people_store.State`)."""

    domain: str
    official: str
    state: str


class KinOf(Body, frozen=True):
    """On the files of these references somebody does not work."""

    domain: str
    official: str
    references: Annotated[list[Reference], Meta(min_length=1, max_length=100)]


class Application(Body, frozen=True):
    """As `parties.gateway.desk.case_store.Application`: the day (since 1970), the references of who applied and of whom
    else it is about."""

    number: str
    procedure: str
    day: Annotated[int, Meta(ge=0, lt=1 << 20)]
    unit: str
    people: Annotated[list[Reference], Meta(min_length=1, max_length=MOST_PEOPLE)]


class Applications(Body, frozen=True):
    """What the agency's own system says that it has received, all or none."""

    domain: str
    applications: Annotated[list[Application], Meta(min_length=1, max_length=MOST_APPLICATIONS)]


DESK_STAFF_ADD = Call("/v1/desk/staff/add", Added, Enrolling, frozenset({Role.GATEWAY}), 4 << 10)
"""As `agency.ASK`, for the agency itself alone; so are all of these."""

DESK_STAFF = Call("/v1/desk/staff", OfDesk, Colleagues, frozenset({Role.GATEWAY}), 1 << 10)

DESK_STAFF_CODE = Call("/v1/desk/staff/code", CodeFor, Printed, frozenset({Role.GATEWAY}), 1 << 10)

DESK_STAFF_STATE = Call("/v1/desk/staff/state", StateOf, Nothing, frozenset({Role.GATEWAY}), 1 << 10)

DESK_STAFF_KIN = Call("/v1/desk/staff/kin", KinOf, Nothing, frozenset({Role.GATEWAY}), 16 << 10)

DESK_APPLICATIONS = Call("/v1/desk/applications", Applications, Nothing, frozenset({Role.GATEWAY}), 1 << 20)
