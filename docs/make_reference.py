"""Write docs/reference/{problems,calls,commands,files}.md and openapi/*.json out of the code they describe.

.venv/bin/python docs/make_reference.py           # write
.venv/bin/python docs/make_reference.py --check   # exit 1 if one is old
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import typer
from sqlalchemy import MetaData, Table

import kakine.card
import kakine.contracts
import kakine.parties
from kakine.cli.root import app
from kakine.contracts.call import ANYBODY, Call, Role
from kakine.runtime.codebook import codebook_metadata
from kakine.runtime.heads import heads_metadata
from kakine.runtime.keyring import keyring_metadata
from kakine.runtime.openapi import encoded
from kakine.values import problems

FOLDER = Path(__file__).resolve().parent / "reference"
_NOTE = "Written by `docs/make_reference.py`; change the code, not this page.\n"


def problems_page() -> str:
    """Every problem, by section of `values/problems.py`."""
    out = ["# Problems\n", _NOTE]
    out.append(
        "A refusal is an RFC 9457 document with `type` `urn:kakine:problem:<code>`\n"
        "([errors.md](../../spec/errors.md)). Codes are permanent.\n"
        "Facts name rules, counts, positions and organisations, never a person.\n"
    )
    for heading, names in _sections():
        out += [f"## {heading.capitalize()}\n", "| code | status | means |", "|---|---|---|"]
        for name in names:
            kind = getattr(problems, name)
            out.append(f"| `{kind.code}` | {kind.status} | {_cell(kind.title)} |")
        out.append("")
    return "\n".join(out)


def _sections() -> Iterator[tuple[str, list[str]]]:
    heading, names = "", list[str]()
    for line in inspect.getsource(problems).splitlines():
        if begins := re.match(r"# --- (.+?) -+$", line):
            if names:
                yield heading, names
            heading, names = begins[1], []
        elif found := re.match(r"class (\w+)\(Problem\):", line):
            names.append(found[1])
    yield heading, names


def calls_page() -> str:
    """Every call of every contract, with its messages."""
    out = ["# Calls\n", _NOTE]
    out.append(
        "Each call is one POST of MessagePack ([errors.md](../../spec/errors.md) section 1). Callers are roles of\n"
        "the gazette; limits are bytes of the body. Types are in Python's notation.\n"
    )
    for module in _modules(kakine.contracts):
        calls = {name: value for name, value in vars(module).items() if isinstance(value, Call)}
        own = {name: call for name, call in calls.items() if _written_in(module, name)}
        name = module.__name__.rpartition(".")[2]
        messages = list(_messages(module))
        if not own and name != "call" and messages != [""]:
            out += [f"## {name}\n", _paragraph(inspect.getdoc(module)), "", *messages]
        if own:
            out += [f"## {name}\n", _paragraph(inspect.getdoc(module)), ""]
            out += ["| path | takes | gives | callers | limit |", "|---|---|---|---|---|"]
            out += [_call_row(call) for call in own.values()]
            out.append("")
            out += messages
    return "\n".join(out)


def _written_in(module: ModuleType, name: str) -> bool:
    return re.search(rf"^{name} = Call\(", inspect.getsource(module), re.MULTILINE) is not None


def _call_row(call: Call) -> str:  # type: ignore[type-arg]
    callers = "everybody" if call.callers == ANYBODY else ", ".join(sorted(call.callers))
    limit = f"{call.limit >> 20} MiB"
    return f"| `{call.path}` | `{call.takes.__name__}` | `{call.gives.__name__}` | {callers} | {limit} |"


def _messages(module: ModuleType) -> Iterator[str]:
    for kind in vars(module).values():
        if (
            not (inspect.isclass(kind) and issubclass(kind, msgspec.Struct))
            or kind.__module__ != module.__name__
        ):
            continue
        fields = ", ".join(
            f"`{name}`: {_type(kind.__annotations__[name])}" for name in kind.__struct_fields__
        )
        yield f"- **{kind.__name__}** — {_paragraph(inspect.getdoc(kind))}" + (
            f" Fields: {fields}." if fields else ""
        )
    yield ""


def _type(annotation: object) -> str:
    return (
        f"`{annotation}`"
        if isinstance(annotation, str)
        else f"`{getattr(annotation, '__name__', annotation)}`"
    )


def commands_page() -> str:
    """Every command of the command line, with its options."""
    out = ["# Commands\n", _NOTE]
    out.append(
        "`kakine …`; in a checkout `make` puts the command into `.venv/bin`: `.venv/bin/kakine …`, or\n"
        '`export PATH="$PWD/.venv/bin:$PATH"` for a shell. `--help` says the same.\n'
    )
    for words, command in command_tree():
        if hasattr(command, "commands") and not command.invoke_without_command:
            continue
        out += [f"## {' '.join(words)}\n", _help(command.help), "", "| option | default | |", "|---|---|---|"]
        out += [_option(parameter) for parameter in command.params if parameter.name != "help"]
        out.append("")
    return "\n".join(out)


def command_tree() -> list[tuple[tuple[str, ...], Any]]:
    """(words, command) of every command, groups included."""
    return list(_below(("kakine",), typer.main.get_command(app)))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    # Typer brings its own copy of click, so its classes are told apart by what they have.
    yield words, command
    below = getattr(command, "commands", {})
    for name in sorted(below):
        yield from _below((*words, name), below[name])


def _option(parameter: Any) -> str:
    shown = (
        parameter.metavar or parameter.name
        if parameter.param_type_name == "argument"
        else ", ".join(parameter.opts)
    )
    default = "" if parameter.default is None or callable(parameter.default) else f"`{parameter.default}`"
    default = "required" if parameter.required else default
    return f"| `{shown}` | {default} | {_cell(getattr(parameter, 'help', None) or '')} |"


def files_page() -> str:
    """Every file a country keeps, and every table in it."""
    out = ["# Files\n", _NOTE]
    out.append(
        "A country lives in one folder. `keys/<party>.seed` holds a party's seed (mode 600, for demonstrations\n"
        "only), `<party>.sqlite` its store, with `.sqlite-wal`, `.sqlite-shm` and `.sqlite.lock` beside it,\n"
        "or `<party>.postgresql` the address of its database;\n"
        "`auditor.sqlite` (tables `audit_…`) is the commission's second. Columns with codes hold wrapped ones only.\n"
        "`witnesses/` holds seeds and stores of the outside witnesses, `policy.txt` says whose signatures count.\n"
        "What a party says about itself stands in its package:\n"
    )
    for name in sorted(each.name for each in pkgutil.iter_modules(kakine.parties.__path__)):
        package = importlib.import_module(f"kakine.parties.{name}")
        tables = _tables(package)
        out += [f"## {name}\n", "```text", (inspect.getdoc(package) or "").strip(), "```\n"]
        out += _table_rows(tables)
    out += ["## card\n", "One file a card, of no party ([card.md](../../spec/card.md)).\n"]
    out += [
        "```text",
        (inspect.getdoc(kakine.card) or "").strip(),
        "```\n",
        *_table_rows(_tables(kakine.card)),
    ]
    return "\n".join(out)


def _table_rows(tables: list[Table]) -> list[str]:
    if not tables:
        return []
    rows = [f"| `{table.name}` | {', '.join(f'`{c.name}`' for c in table.columns)} |" for table in tables]
    return ["| table | columns |", "|---|---|", *rows, ""]


def _tables(package: ModuleType) -> list[Table]:
    """Every table that a module of this party defines or takes into its schema."""
    found: dict[str, Table] = {}
    for module in _modules(package):
        for value in vars(module).values():
            if isinstance(value, MetaData):
                found |= value.tables
            elif isinstance(value, Table):
                found[value.name] = value
        # These are taken into a schema when the party opens its store, so the schema alone does not always have them.
        for adds in (codebook_metadata, heads_metadata, keyring_metadata):
            if f"{adds.__name__}(" in inspect.getsource(module):
                adds(schema := MetaData())
                found |= schema.tables
    return [found[name] for name in sorted(found)]


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(each.name for each in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())


def _help(text: str | None) -> str:
    """Help as it is written, without Typer's marks; examples stay on lines of their own."""
    return (text or "").replace("\b", "").strip()


def _cell(text: str) -> str:
    return _paragraph(text).replace("|", "\\|")


def _openapi(kind: Role) -> str:
    return encoded(kind).decode()


PAGES: dict[str, Callable[[], str]] = {
    "problems.md": problems_page,
    "calls.md": calls_page,
    "commands.md": commands_page,
    "files.md": files_page,
    **{f"openapi/{kind}.json": partial(_openapi, kind) for kind in sorted(Role)},
}


def main(arguments: list[str]) -> int:
    """Write, or with --check compare. The exit code."""
    old = 0
    for name, page in PAGES.items():
        text, path = page().rstrip() + "\n", FOLDER / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        old += 1
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        print(name)
    return 1 if old and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
