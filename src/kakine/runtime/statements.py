"""Statements and tables, written once in SQLAlchemy Core and compiled once for each engine.

Stores are written in Core with SQLite's few extensions (`ON CONFLICT`, `OR IGNORE`, `OR REPLACE`); what differs on
PostgreSQL is said here and nowhere else. Every whole number is a `BIGINT` there, as SQLite keeps them (-2⁶³ … 2⁶³-1),
truth values too; a key column makes no sequence; texts sort by their UTF-8 bytes because the database's collation is
`C` (`runtime.postgres` refuses another).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Column, Delete, Insert, Table, Update, bindparam, func, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import base, psycopg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, operators
from sqlalchemy.sql.elements import BindParameter, False_, True_
from sqlalchemy.types import TypeEngine

_SQLITE = sqlite.dialect(paramstyle="named")


class Numbered(NamedTuple):
    """A statement as the server takes it: `$1`, `$2` … stand for the values of these names."""

    text: bytes
    names: tuple[str, ...]
    arrays: tuple[str, ...] = ()
    """Where each value is an array: how its elements are kept."""


class Sql(str):
    """The SQLite text of a statement, which is what the driver takes; `postgres` is the same for PostgreSQL."""

    __slots__ = ("_many", "_numbered", "_postgres", "_statement")
    _statement: ClauseElement
    _postgres: str | None
    _numbered: Numbered | None
    _many: Numbered | None

    @property
    def postgres(self) -> str:
        """Compiled when first asked for: where no PostgreSQL is used, nothing is spent on it."""
        if self._postgres is None:
            self._postgres = _compiled(self._statement, POSTGRES, r"%\((\w+)\)s")
            unasked = isinstance(self._statement, Insert) and not self._statement._returning
            if unasked and "RETURNING" in self._postgres:
                raise TypeError("a key that is left out is counted by SQLite alone: `numbered`")
        return self._postgres

    @property
    def numbered(self) -> Numbered:
        """`postgres` with numbers for names."""
        if self._numbered is None:
            self._numbered = _numbered(self.postgres)
        return self._numbered

    @property
    def many(self) -> Numbered | None:
        """For an `INSERT` of plain values: the same for any number of rows, each parameter an array; otherwise None."""
        if self._many is None:
            self._many = _many(self._statement, self.postgres)
        return None if self._many is _NOT else self._many


def sql(statement: ClauseElement) -> Sql:
    """The texts of a Core statement with named parameters; call it once per statement, at import.

    Constants in the statement are written into the text. Raises `TypeError` for a constant of bytes and for
    an expanding `IN`, which need a parameter of their own at run time.
    """
    made = Sql(_compiled(statement, _SQLITE, r"(?<!:):(\w+)"))
    made._statement, made._postgres, made._numbered, made._many = statement, None, None, None
    if isinstance(statement, Insert | Update | Delete):
        _ACTS.setdefault(_known_as(statement.table), set()).update(_acts(statement))
    return made


def numbered(column: Column[int]) -> Insert:
    """An insert into a table whose key counts up: the number after the highest there, all else given.

    A key that is left out is counted by SQLite alone. Two at once draw the same number: for one writer, or replicas
    that repeat what failed to serialize.
    """
    table = column.table
    following = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
    given: dict[str, Any] = {each.name: bindparam(each.name) for each in table.columns if each is not column}
    return insert(table).values({column.name: following, **given}).inline()


def acts_on(table: Table) -> dict[str, set[str]]:
    """What the statements made so far do to a table: `INSERT` and `DELETE` with no column, `UPDATE` with its columns.

    A role that may do no more than this can do what the program can, and nothing else.
    """
    found: dict[str, set[str]] = {}
    for verb, of in _ACTS.get(_known_as(table), ()):
        found.setdefault(verb, set()).update({of} - {""})
    return found


_ACTS: dict[tuple[str, ...], set[tuple[str, str]]] = {}


def _known_as(table: Any) -> tuple[str, ...]:
    # Parties have copies of tables that clients and runtime declare.
    return (table.name, *(column.name for column in table.columns))


def _acts(statement: Insert | Update | Delete) -> Iterator[tuple[str, str]]:
    match statement:
        case Delete():
            yield "DELETE", ""
        case Update():
            yield from (("UPDATE", _name(each)) for each in statement._values or ())
        case Insert():
            yield "INSERT", ""
            conflict = getattr(_standard(statement), "_post_values_clause", None)
            yield from (
                ("UPDATE", _name(each)) for each in dict(getattr(conflict, "update_values_to_set", ()))
            )


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.name)


def _compiled(statement: ClauseElement, dialect: Dialect, named: str) -> str:
    compiled = statement.compile(dialect=dialect)
    binds: dict[str, BindParameter[Any]] = getattr(compiled, "binds", {})
    constants = {name: bind for name, bind in binds.items() if not bind.required}

    def written(found: re.Match[str]) -> str:
        bind = constants.get(found[1])
        return found[0] if bind is None else _constant(bind.value)

    text = str(compiled)
    if "POSTCOMPILE" in text:
        raise TypeError("an expanding IN cannot be compiled once")
    return re.sub(named, written, text)


_NAMED = re.compile(r"%\((\w+)\)s|%%")
_BIND = r"%\(\w+\)s(?:::\w+)?"
_PLAIN = re.compile(
    rf"(INSERT INTO \S+ \(([^)]*)\)) VALUES \(({_BIND}(?:, {_BIND})*)\)( ON CONFLICT DO NOTHING)?"  # noqa: S608
)
_NOT = Numbered(b"", ())


def _numbered(text: str) -> Numbered:
    names = dict[str, str]()

    def written(found: re.Match[str]) -> str:
        return "%" if found[1] is None else names.setdefault(found[1], f"${len(names) + 1}")

    return Numbered(_NAMED.sub(written, text).encode(), tuple(names))


def _many(statement: ClauseElement, text: str) -> Numbered:
    # An upsert may meet a row of its own statement, which PostgreSQL refuses: those go one by one.
    found = _PLAIN.fullmatch(text)
    if found is None or not isinstance(statement, Insert):
        return _NOT
    columns = [statement.table.c[each.strip('"')] for each in found[2].split(", ")]
    kinds = tuple(kind_of(each.type) for each in columns)
    arrays = ", ".join(f"CAST(${number} AS {kind}[])" for number, kind in enumerate(kinds, 1))
    # Texts of our own statements, no values.
    text = f"{found[1]} SELECT * FROM unnest({arrays}){found[4] or ''}"  # noqa: S608
    return Numbered(text.encode(), tuple(_NAMED.findall(found[3])), kinds)


def _constant(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError("only whole numbers, texts and NULL can be constants of a statement")


class _Types(base.PGTypeCompiler):
    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    def visit_BOOLEAN(self, type_: Any, **kw: Any) -> str:
        return "BIGINT"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return "TEXT"


class _Tables(base.PGDDLCompiler):
    def get_column_specification(self, column: Any, **kw: Any) -> str:
        required = "" if column.nullable else " NOT NULL"
        default = self.get_column_default_string(column)
        given = "" if default is None else f" DEFAULT {default}"
        return f"{self.preparer.format_column(column)} {kind_of(column.type)}{given}{required}"


class _Statements(psycopg.PGCompiler_psycopg):
    def visit_insert(self, insert_stmt: Any, *given: Any, **kw: Any) -> str:
        return str(super().visit_insert(_standard(insert_stmt), *given, **kw))  # type: ignore[no-untyped-call]

    def visit_true(self, expr: Any, **kw: Any) -> str:
        return "1"

    def visit_false(self, expr: Any, **kw: Any) -> str:
        return "0"

    def visit_binary(self, binary: Any, **kw: Any) -> str:  # type: ignore[override]
        left, right = binary.left, binary.right
        if binary.operator is operators.is_ and isinstance(right, True_ | False_):
            return f"{self.process(left, **kw)} = {self.process(right, **kw)}"
        if binary.operator is operators.floordiv:
            return f"({self.process(left, **kw)} / {self.process(right, **kw)})"
        return str(super().visit_binary(binary, **kw))  # type: ignore[no-untyped-call]

    def visit_substr_func(self, func: Any, **kw: Any) -> str:
        whole, *bounds = [self.process(each, **kw) for each in func.clauses]
        return f"substr({whole}, {', '.join(f'CAST({each} AS INTEGER)' for each in bounds)})"

    def visit_instr_func(self, func: Any, **kw: Any) -> str:
        whole, part = [self.process(each, **kw) for each in func.clauses]
        return f"position({part} IN {whole})"

    def _on_conflict_target(self, clause: Any, **kw: Any) -> str:
        if clause.inferred_target_elements is None:
            return ""
        names = [each if isinstance(each, str) else each.name for each in clause.inferred_target_elements]
        return f"({', '.join(self.preparer.quote(each) for each in names)})"


def _standard(statement: Insert) -> Insert:
    """`OR IGNORE` and `OR REPLACE` as `ON CONFLICT`, which both engines know."""
    words = {str(words) for words, _ in statement._prefixes}
    if not words:
        return statement
    plain = sqlite_insert(statement.table)
    if statement._inline:
        plain = plain.inline()
    if statement._values is not None:
        plain = plain.values(dict(statement._values))
    if words == {"OR IGNORE"}:
        return plain.on_conflict_do_nothing()
    columns = statement.table.primary_key.columns  # type: ignore[attr-defined]
    rest = {each.name: plain.excluded[each.name] for each in statement.table.c if each.name not in columns}
    return plain.on_conflict_do_update(index_elements=list(columns), set_=rest)


class PostgresDialect(psycopg.PGDialect_psycopg):
    """How statements and tables are written for PostgreSQL."""

    supports_statement_cache = True
    statement_compiler = _Statements
    ddl_compiler = _Tables
    type_compiler_cls = _Types


class MigratingDialect(psycopg.PGDialect_psycopg):
    """For migrations: tables are made as above, and what asks the server about them stays SQLAlchemy's own."""

    supports_statement_cache = True
    ddl_compiler = _Tables


def kind_of(type_: TypeEngine[Any]) -> str:
    """How PostgreSQL keeps a column of this type."""
    return POSTGRES.type_compiler_instance.process(type_)


POSTGRES = PostgresDialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
