"""What the duties of a desk work with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from kakine.crypto.hashing import mac
from kakine.crypto.passkeys import Site
from kakine.parties.gateway.asking import Desk
from kakine.parties.gateway.desk import people_store as store
from kakine.parties.gateway.desk.journal import OPERATOR, Act, What
from kakine.parties.gateway.desk.people_store import Role, Staff, State
from kakine.parties.gateway.office import Office
from kakine.protocols.gazette import Law
from kakine.runtime.layouts import Layouts
from kakine.values.calendar import in_japan
from kakine.values.labels import DomainName
from kakine.values.problems import DeskRoleLacking, PasskeyInvalid, SessionUnknown

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Rules:
    """What a desk allows. Counts are for a day in Japan and one clerk, unless said otherwise."""

    cases_a_day: int = 40
    unknown_a_day: int = 5
    """References that the agency does not know: more is guessing, and opens no case until tomorrow."""
    questions_a_case: int = 60
    people_a_case: int = 12
    review_one_in: int = 10
    """Of so many opened cases one is drawn for a look by the supervisor, with fresh randomness."""
    idle_ms: int = 15 * 60_000
    longest_ms: int = 10 * 3_600_000
    kept_ms: int = 30 * DAY_MS
    """How long an answer stays readable in an open case."""


@dataclass(frozen=True)
class Names:
    """A thing in Japanese and in English."""

    ja: str
    en: str


@dataclass(frozen=True)
class Shift:
    """Somebody at the desk from login to logout; what a session of the pages holds. `enrolling` while a way in is still
    to be chosen: then nothing else is open."""

    id: bytes
    staff: bytes
    enrolling: bool


MOST_CHALLENGES = 1000
CHALLENGE_MS = 5 * 60_000


@dataclass
class CaseDesk:
    """The desk of one domain. `site` is where its pages are and its passkeys are used; `files` the names of the
    agencies' files, by id."""

    domain: DomainName
    office: Office
    asking: Desk
    layouts: Layouts
    files: Mapping[str, Names]
    site: Site
    rules: Rules = field(default_factory=Rules)
    asked_now: set[bytes] = field(default_factory=set)
    """Questions that some coroutine of this process is carrying."""

    def __post_init__(self) -> None:
        self.office.site(self.domain)
        self._shifts: dict[bytes, Shift] = {}
        self._challenges: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._key = self.office.identity.local_key("desk-mark", self.domain.encode())

    @property
    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self.office.clock()

    @property
    def law(self) -> Law:
        """The law in force."""
        return self.office.law.in_force(self.now_ms)

    @property
    def today_ms(self) -> int:
        """When this day began in Japan."""
        return (
            int(in_japan(self.now_ms).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000
        )

    def mark(self, what: str, *parts: bytes) -> bytes:
        """32 bytes that stand for something at this desk and nowhere else."""
        return mac(self._key, "desk-mark", what.encode(), *parts)

    def act(self, by: Staff | None, what: What, case: str = "", about: str = "") -> Act:
        """A line for the journal; `by` is nobody for the operator of the machine."""
        official, unit = (by.official, by.unit) if by else (OPERATOR, "")
        return Act(self.domain, official, unit, what, case, about)

    # --- who is here ---

    def begin(self, staff: bytes, *, enrolling: bool = False) -> Shift:
        """A new shift of somebody; an earlier one is over: one person is at one terminal."""
        shift = Shift(self.office.entropy(16), staff, enrolling)
        self._shifts[staff] = shift
        return shift

    def end_of(self, staff: bytes) -> None:
        """Somebody's shift is over."""
        self._shifts.pop(staff, None)

    def stands(self, shift: Shift) -> Staff:
        """Who that is, as the books have them now. Raises `SessionUnknown` for one who was locked or removed a moment
        ago, logged in elsewhere, or has not chosen a way in yet."""
        if shift.enrolling:
            raise SessionUnknown()
        return self.here(shift)

    def here(self, shift: Shift) -> Staff:
        """As `stands`, also for one who is choosing a way in."""
        person = store.staff(self.office.db.read(), shift.staff)
        if self._shifts.get(shift.staff) != shift or person.state is not State.ACTIVE:
            raise SessionUnknown()
        if person.domain != self.domain:
            raise SessionUnknown()
        return person

    def challenge(self, of: str) -> bytes:
        """A fresh challenge for the passkey of one session (`of` names it); the last one of the same gives way."""
        self._challenges.pop(of, None)
        if len(self._challenges) >= MOST_CHALLENGES:
            self._challenges.popitem(last=False)
        made = self.office.entropy(32)
        self._challenges[of] = (self.now_ms, made)
        return made

    def spend_challenge(self, of: str) -> bytes:
        """It is used up, rightly answered or not. Raises `PasskeyInvalid` where there is none, or one too old."""
        made_ms, challenge = self._challenges.pop(of, (0, b""))
        if self.now_ms - made_ms > CHALLENGE_MS:
            raise PasskeyInvalid()
        return challenge


def require(staff: Staff, *roles: Role) -> None:
    """Raises `DeskRoleLacking` unless somebody has one of these roles."""
    if staff.role not in roles:
        raise DeskRoleLacking()
