"""Gateways and converters of several processes each, on one PostgreSQL store a party; some of them die.
And a ledger that is started twice by mistake."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import apart_country
from apart_country import ASKING, figures, own_questions, running, until
from kakine.cli.acting import Agency, agency
from kakine.cli.apart_making import SETTINGS, free
from kakine.cli.apart_processes import Processes, about, asked, ready
from kakine.cli.apart_reading import read_history
from kakine.cli.apart_server import Engine
from kakine.cli.apart_smoke import DELIVERED, ask_all, person, questions, sizes
from kakine.cli.own_history import seen_of
from kakine.contracts.agency import Told
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.crypto.hashing import digest
from kakine.protocols.history import lines
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable, StoreInUse
from postgres_server import short_folder

NAMES = (*apart_country.NAMES, f"{ASKING}.2", "converter-1.2")


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with short_folder() as room, running(room / "country", 30, NAMES, Engine.POSTGRESQL, replicas=2) as made:
        yield made


def calls(processes: Processes, name: str) -> int:
    """How many calls a process has answered."""
    found = re.findall(r"^kakine_calls_total{.*} (.*)$", figures(processes, name), re.MULTILINE)
    return int(sum(float(each) for each in found))


async def history(own: Agency, folder: Path) -> list[tuple[bytes, str]]:
    """(case, result) of each line of one person's history; all of it verifies."""
    read = await read_history(own, folder, person(folder, ASKING))
    assert read.verified >= read.signed
    return [(each.case, each.result) for each in map(seen_of, lines(read.opened.rows))]


def test_each_process_has_a_key_of_its_own_and_the_partys_seed(processes: Processes) -> None:
    for party in (ASKING, "converter-1"):
        mine, other = (processes.folder / name for name in (party, f"{party}.2"))
        assert (mine / "key.seed").read_bytes() == (other / "key.seed").read_bytes()
        assert (mine / "own.pem").read_bytes() != (other / "own.pem").read_bytes()
        assert 'replica = "2"' in (other / f"{party}.postgresql").read_text()


def test_calls_are_spread_over_the_processes_of_a_party(processes: Processes) -> None:
    folder = processes.folder

    async def work() -> None:
        async with agency(folder, ASKING) as own:
            before = sum((await sizes(own)).values())
            results = await ask_all(own, own_questions(folder)[:12], 4)
            assert DELIVERED in results
            assert sum((await sizes(own)).values()) >= before + 2 * len(results)

    asyncio.run(work())
    for name in (ASKING, f"{ASKING}.2", "converter-1", "converter-1.2"):
        log = processes.log(name).read_text()
        assert "error" not in log
        assert calls(processes, name) > 0, name


def test_when_one_process_is_killed_the_others_go_on_and_nothing_is_lost_or_doubled(
    processes: Processes,
) -> None:
    folder = processes.folder
    who = person(folder, ASKING)
    about_one = [each for each in questions(folder, ASKING, who) if each.provider.startswith(f"{ASKING}/")]

    async def work() -> None:
        async with agency(folder, ASKING) as own:
            results = await ask_all(own, about_one, 1)
            question = about_one[results.index(DELIVERED)]
            # Each under a case of its own, so that the history tells which of them stands in it, and how often.
            asked = [replace(question, case=digest("case-number", b"%d" % each)) for each in range(20)]
            tasks = [asyncio.create_task(own.ask(each)) for each in asked[:16]]
            await asyncio.sleep(0.1)
            processes.kill("converter-1.2")
            processes.kill(f"{ASKING}.2")
            ended: list[object] = list(await asyncio.gather(*tasks, return_exceptions=True))
            assert {type(each) for each in ended if isinstance(each, BaseException)} <= {PartyUnavailable}
            # Nobody has started them again, and every call goes through.
            ended += [await own.ask(each) for each in asked[16:]]
            shown = await history(own, folder)
            for question, end in zip(asked, ended, strict=True):
                there = [result for case, result in shown if case == question.case]
                if isinstance(end, Told):
                    assert (end.result, there) == (DELIVERED, [DELIVERED])
                assert len(there) <= 1

    asyncio.run(work())
    for name in ("converter-1.2", f"{ASKING}.2"):
        processes.start(name)
    processes.wait(["converter-1.2", f"{ASKING}.2"])


def second_process(folder: Path, of: str, name: str) -> tuple[int, int]:
    """Somebody's mistake: another process with the same folder's contents; its two ports."""
    shutil.copytree(folder / of, folder / name)
    first = free(2)
    ports = first, first + 1
    text = (folder / name / SETTINGS).read_text()
    for key, port in zip(("port", "admin"), ports, strict=True):
        text = re.sub(rf"^{key} = \d+$", f"{key} = {port}", text, count=1, flags=re.MULTILINE)
    (folder / name / SETTINGS).write_text(text)
    return ports


def test_of_two_processes_under_one_name_the_first_listens_no_more_and_the_others_are_called(
    processes: Processes,
) -> None:
    folder = processes.folder
    port, admin = about(folder).ports["converter-1.2"]
    (_, other) = second_process(folder, "converter-1.2", "converter-1.again")
    processes.start("converter-1.again")
    try:
        until(lambda: ready(other) and not ready(admin))

        def listens() -> bool:
            with socket.socket() as caller:
                return caller.connect_ex(("127.0.0.1", port)) == 0

        until(lambda: not listens())

        async def work() -> None:
            async with agency(folder, ASKING) as own:
                assert DELIVERED in await ask_all(own, own_questions(folder)[:4], 2)

        asyncio.run(work())
    finally:
        processes.end("converter-1.again")
    processes.end("converter-1.2")
    processes.start("converter-1.2")
    processes.wait(["converter-1.2"])


def test_of_two_sequencers_the_one_that_was_overtaken_says_so_and_is_not_ready(processes: Processes) -> None:
    folder = processes.folder
    ports = second_process(folder, "ledger-a", "ledger-a.other")
    first_admin = about(folder).ports["ledger-a"][1]
    processes.start("ledger-a.other")
    try:
        until(lambda: ready(ports[1]) and not ready(first_admin))
        assert until(lambda: asked(first_admin, "/health")) == "alive\n"

        async def call() -> None:
            async with agency(folder, ASKING) as own:
                with pytest.raises(StoreInUse):
                    await own.peers.ask(PartyName("ledger-a"), CHECKPOINT, Nothing())

        asyncio.run(call())
    finally:
        processes.end("ledger-a.other")
    processes.end("ledger-a")
    processes.start("ledger-a")
    processes.wait(["ledger-a"])

    async def again() -> None:
        async with agency(folder, ASKING) as own:
            assert DELIVERED in await ask_all(own, own_questions(folder)[:3], 2)

    asyncio.run(again())
