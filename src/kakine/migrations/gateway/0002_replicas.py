"""Which process carries what is under way."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("outgoing", "desk_inquiry", "bulk_line"):
        op.add_column(table, sa.Column("replica", sa.String(), nullable=False, server_default=""))
