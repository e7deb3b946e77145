"""Write docs/collusions.md out of docs/collusions.toml.

.venv/bin/python docs/make_collusions.py           # write
.venv/bin/python docs/make_collusions.py --check   # exit 1 if it is old
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
PAGE, DATA = FOLDER / "collusions.md", FOLDER / "collusions.toml"
ASPECTS = {
    "person": "about whom",
    "agencies": "who asked whom",
    "why": "why",
    "when": "when",
    "content": "the answer",
    "linked": "two about one person",
}

_INTRODUCTION = """Each row is a set of parties that put everything together: keys, stores, messages, logs.
The first table says what they have by doing their work, of exchanges between agencies and of logins; the second what
they gain by lying or by writing down what passes. A larger set learns at least what its parts do.

*No*: nothing but by guessing. *Own*: of people and exchanges that they deal with anyway. *Pseudonym*: under a record
keeper's own code of somebody, which is nobody else's. *Readers*: of people whose history was read while they wrote
down what passed, and of nobody else. *Row*: the row of the law, not the reason. Thieves, single acts
and what is not prevented at all are in [threats.md](threats.md)."""


def data() -> dict[str, list[dict[str, Any]]]:
    """The file as it stands."""
    return tomllib.loads(DATA.read_text("utf-8"))


def page() -> str:
    """The whole page."""
    told = data()
    out = [
        "# What each set of parties learns together\n",
        "Written by `docs/make_collusions.py` from [collusions.toml](collusions.toml); change that, not this page.\n",
        _INTRODUCTION + "\n",
        "| party | is |",
        "|---|---|",
        *(f"| {each['id']} | {each['is']} |" for each in told["party"]),
        "",
        "## What they learn\n",
        f"| together | {' | '.join(ASPECTS.values())} |",
        "|---|" + "---|" * len(ASPECTS),
        *(f"| {_set(each)} | {' | '.join(each[aspect] for aspect in ASPECTS)} |" for each in told["set"]),
        "",
        "## What stops more, who would see it, which tests show it\n",
        "| together | what stops more, or what more there is | seen by | tests |",
        "|---|---|---|---|",
        *(f"| {_set(each)} | {each['stops']} | {each['seen']} | {_tests(each)} |" for each in told["set"]),
        "",
        "A test named here fails when the defence behind it is taken out"
        " ([how](howto/run-the-attacks.md)), or, where a row states a limit, shows that the gain is real.",
    ]
    return "\n".join(out) + "\n"


def _set(each: dict[str, Any]) -> str:
    return " + ".join(each["together"])


def _tests(each: dict[str, Any]) -> str:
    named, file = [], ""
    for test in each["tests"]:
        path, _, name = test.partition("::")
        named.append(f"`::{name}`" if path == file else f"`{test}`")
        file = path
    return ", ".join(named) or f"no test: {each['untested']}"


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. The exit code."""
    text = page()
    old = not PAGE.is_file() or PAGE.read_text("utf-8") != text
    if old and "--check" not in arguments:
        PAGE.write_text(text, "utf-8")
    if old:
        print(PAGE.name)
    return int(old and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
