"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("handle"),
    )
    op.create_table(
        "batch",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("closed_s", sa.Integer(), nullable=False),
        sa.Column("batch", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "certificate",
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("list_uri", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("common_name", sa.String(), nullable=False),
        sa.Column("not_before_s", sa.Integer(), nullable=False),
        sa.Column("not_after_s", sa.Integer(), nullable=False),
        sa.Column("voucher", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("hashed", sa.LargeBinary(), nullable=True),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("serial"),
        sa.UniqueConstraint("list_uri", "place"),
        sa.UniqueConstraint("spki"),
        sa.UniqueConstraint("voucher"),
    )
    op.create_index(
        "certificate_abandoned",
        "certificate",
        ["list_uri"],
        unique=False,
        sqlite_where=sa.text("state = 'abandoned'"),
    )
    op.create_index("certificate_in_state", "certificate", ["state"], unique=False)
    op.create_index("certificate_of_holder", "certificate", ["handle", "kind"], unique=False)
    op.create_index(
        "certificate_text",
        "certificate",
        ["not_before_s"],
        unique=False,
        sqlite_where=sa.text("der IS NOT NULL"),
    )
    op.create_index("certificate_unlogged", "certificate", ["batch", "state"], unique=False)
    op.create_table(
        "crl",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("this_s", sa.Integer(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("entries", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "partition"),
    )
    op.create_table(
        "event", sa.Column("key", sa.LargeBinary(), nullable=False), sa.PrimaryKeyConstraint("key")
    )
    op.create_table(
        "known_partition",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "partition"),
    )
    op.create_table(
        "own_certificate",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("not_after_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "revoked",
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("since_s", sa.Integer(), nullable=False),
        sa.Column("hold_until_s", sa.Integer(), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.Column("list_uri", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index(
        "revoked_holds",
        "revoked",
        ["hold_until_s"],
        unique=False,
        sqlite_where=sa.text("hold_until_s IS NOT NULL"),
    )
    op.create_index("revoked_in", "revoked", ["list_uri"], unique=False)
    op.create_index("revoked_on", "revoked", ["kind", "partition"], unique=False)
    op.create_table(
        "status_fill",
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("uri"),
    )
    op.create_table(
        "status_version",
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("issued_s", sa.Integer(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("head", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("uri", "version"),
    )
