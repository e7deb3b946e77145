"""By which entry a filing begins: where a log has it, it is found by that."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("filing", sa.Column("mark", sa.LargeBinary(), nullable=False, server_default=""))
    op.execute("UPDATE filing SET mark = substr(entries, 49, 32)")
    op.create_index(op.f("ix_filing_mark"), "filing", ["mark"], unique=False)
