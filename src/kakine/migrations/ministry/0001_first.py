"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "signed",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signed_ms", sa.Integer(), nullable=False),
        sa.Column("gazette", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
