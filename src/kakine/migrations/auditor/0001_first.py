"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_count",
        sa.Column("converter", sa.String(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("converter"),
    )
    op.create_table(
        "audit_judged",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "audit_mark",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit_objection",
        sa.Column("xid", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.String(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("logged", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("xid"),
    )
    op.create_table(
        "audit_passed",
        sa.Column("xid", sa.LargeBinary(), nullable=False),
        sa.Column("aim", sa.String(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("replied", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("xid"),
    )
    op.create_table(
        "audit_public",
        sa.Column("converter", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("converter", "domain", "epoch"),
    )
    op.create_table(
        "audit_verdict",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_waiting",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "audit_window",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
