"""How often a party names people in vain. And what was kept of logins whose outcome could not be filed goes."""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INCOMING = sa.table("incoming", sa.column("request"), sa.column("answers"))
OWN: tuple[tuple[str, list[str], bytes], ...] = (("delivered", [], b""), ("refused", [], b""))
"""What the registry answers where it is given a code of its own; all else was shown at a login."""


def upgrade() -> None:
    op.create_table(
        "missed",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("caller"),
    )
    store = op.get_bind()
    for request, answers in store.execute(sa.select(INCOMING)).fetchall():
        _, _, people = msgspec.msgpack.decode(answers)
        if any((result, items, data) not in OWN for result, items, data in people):
            store.execute(sa.delete(INCOMING).where(INCOMING.c.request == request))
