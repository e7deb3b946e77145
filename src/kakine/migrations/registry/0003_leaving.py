"""For which municipality somebody leaves, and until when it may take them over."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("person", sa.Column("leaving_to", sa.String()))
    op.add_column("person", sa.Column("leaving_until", sa.String()))
