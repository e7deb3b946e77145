"""People who work at a site come in with what they were given, once, and as nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from kakine.crypto.passkeys import Site
from kakine.runtime.database import Database
from kakine.values import problems
from kakine.web import staff_store
from kakine.web.staff import ANSWER_MS, ENROL, ENROL_MS, SHIFT_MS, Staff
from passkey_maker import SoftPasskey

from land import Entropy

SITE = Site("http://localhost:1", "localhost")
METADATA = MetaData()
staff_store.staff_tables(METADATA)


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms


def at_a_site(folder: Path, test: Callable[[Staff, Clock], Awaitable[None]]) -> None:
    clock = Clock()
    db = Database.open(folder / "site.sqlite", METADATA)
    try:
        asyncio.run(_run(test, Staff(db, clock, Entropy(b"staff"), SITE), clock))
    finally:
        db.close()


async def _run(test: Callable[[Staff, Clock], Awaitable[None]], staff: Staff, clock: Clock) -> None:
    await test(staff, clock)


def passkey(name: bytes = b"key-1", origin: str = SITE.origin) -> SoftPasskey:
    return SoftPasskey(origin, SITE.host, name)


def test_a_code_lets_its_holder_in_once_and_for_its_time(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        member, first = await staff.add(" 事務局 一 ", "officer")
        assert member.name == "事務局 一"
        with pytest.raises(problems.StaffUnknown):
            await staff.by_code(first)  # for the first time only, not for a shift
        assert (await staff.enrol(first.lower().replace("-", " "))).number == member.number
        with pytest.raises(problems.StaffUnknown):
            await staff.enrol(first)
        one, two, three = await staff.sheet(member.number, 3)
        assert staff.codes_left(member.number) == 3
        assert (await staff.by_code(one)).number == member.number
        with pytest.raises(problems.StaffUnknown):
            await staff.by_code(one)
        await staff.confirm_by_code(member, two)
        clock.now_ms += SHIFT_MS + 1
        with pytest.raises(problems.StaffUnknown):
            await staff.by_code(three)

    at_a_site(tmp_path, test)


def test_who_has_left_comes_in_no_more(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        member, code = await staff.add("委員", "commissioner")
        (shift,) = await staff.sheet(member.number, 1)
        key = passkey()
        await staff.bind(member, key.created(staff.bind_options(member)))
        await staff.end(member.number)
        for work in (
            staff.enrol(code),
            staff.by_code(shift),
            staff.by_passkey(key.used(staff.use_options())),
        ):
            with pytest.raises((problems.StaffUnknown, problems.PasskeyInvalid)):
                await work
        with pytest.raises(problems.StaffUnknown):
            staff.member(member.number)
        assert [each.works for each in staff.all()] == [False]
        again, _ = await staff.add("委員", "commissioner")
        assert again.number != member.number

    at_a_site(tmp_path, test)


def test_an_enrolment_is_over_after_a_week(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        _, code = await staff.add("検査官", "inspector")
        clock.now_ms += ENROL_MS + 1
        with pytest.raises(problems.StaffUnknown):
            await staff.by_code(code, ENROL)

    at_a_site(tmp_path, test)


def test_a_passkey_is_of_one_member_and_each_answer_is_good_once(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        one, _ = await staff.add("一", "officer")
        two, _ = await staff.add("二", "commissioner")
        key = passkey()
        await staff.bind(one, key.created(staff.bind_options(one)))
        with pytest.raises(problems.PasskeyInvalid):
            await staff.bind(two, key.created(staff.bind_options(two)))
        with pytest.raises(problems.PasskeyInvalid):
            await staff.bind(two, passkey(b"key-2").created(staff.bind_options(one)))
        answer = key.used(staff.use_options())
        assert (await staff.by_passkey(answer)).number == one.number
        with pytest.raises(problems.PasskeyInvalid):
            await staff.by_passkey(answer)
        late = key.used(staff.use_options())
        clock.now_ms += ANSWER_MS + 1
        with pytest.raises(problems.PasskeyInvalid):
            await staff.by_passkey(late)
        with pytest.raises(problems.PasskeyInvalid):
            await staff.by_passkey(passkey(b"key-1", "http://evil.example").used(staff.use_options()))

    at_a_site(tmp_path, test)


def test_a_confirmation_is_of_this_member_and_this_act(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        one, _ = await staff.add("一", "officer")
        two, _ = await staff.add("二", "commissioner")
        keys = passkey(b"one"), passkey(b"two")
        for member, key in zip((one, two), keys, strict=True):
            await staff.bind(member, key.created(staff.bind_options(member)))
        act, other = bytes(32), b"\x01" * 32
        await staff.confirm_by_passkey(one, keys[0].used(staff.confirm_options(one, act)), act)
        wrong = [
            (keys[1].used(staff.confirm_options(one, act)), act),  # the other's device
            (keys[0].used(staff.confirm_options(one, other)), act),  # another act
            (keys[0].used(staff.confirm_options(two, act)), act),  # asked of the other
            (keys[0].used(staff.use_options()), act),  # a login
        ]
        for answer, about in wrong:
            with pytest.raises(problems.PasskeyInvalid):
                await staff.confirm_by_passkey(one, answer, about)
        (code,) = await staff.sheet(two.number, 1)
        with pytest.raises(problems.StaffUnknown):
            await staff.confirm_by_code(one, code)

    at_a_site(tmp_path, test)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "\u202eevil"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        with pytest.raises(problems.StaffMalformed):
            await staff.add(name, "officer")

    at_a_site(tmp_path, test)


def test_the_journal_of_a_site_stands_or_falls_with_the_act(tmp_path: Path) -> None:
    async def test(staff: Staff, clock: Clock) -> None:
        def refuse(db: object, member: object) -> None:
            raise problems.OrderMalformed()

        with pytest.raises(problems.OrderMalformed):
            await staff.add("一", "officer", then=refuse)
        assert staff.all() == []

    at_a_site(tmp_path, test)
