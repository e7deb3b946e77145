"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "domain_key",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("converter", sa.String(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("mask_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "epoch", "converter"),
    )
    op.create_table(
        "enrolment_blinds",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "filing",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("log", sa.String(), nullable=True),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_filing_about"), "filing", ["about"], unique=False)
    op.create_index(op.f("ix_filing_expiry"), "filing", ["expiry"], unique=False)
    op.create_index(op.f("ix_filing_first"), "filing", ["first"], unique=False)
    op.create_table(
        "held_envelope",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "place"),
    )
    op.create_index(op.f("ix_held_envelope_expiry"), "held_envelope", ["expiry"], unique=False)
    op.create_table(
        "hold",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("hold", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("lifted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_hold_expiry"), "hold", ["expiry"], unique=False)
    op.create_table(
        "index_root",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("log", "start"),
    )
    op.create_table(
        "index_row",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "start", "list", "day"),
    )
    op.create_index(op.f("ix_index_row_list"), "index_row", ["list"], unique=False)
    op.create_table(
        "list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "partition",
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=True),
        sa.Column("statement", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("expiry"),
    )
    op.create_table(
        "sealed_row",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "place"),
        sa.UniqueConstraint("opening"),
    )
    op.create_index(op.f("ix_sealed_row_expiry"), "sealed_row", ["expiry"], unique=False)
    op.create_index(op.f("ix_sealed_row_until"), "sealed_row", ["until"], unique=False)
    op.create_index("sealed_by_record", "sealed_row", ["filing", "position"], unique=False)
    op.create_table(
        "window_vectors",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("blinded", sa.LargeBinary(), nullable=False),
        sa.Column("legs", sa.LargeBinary(), nullable=False),
        sa.Column("hops", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("request"),
    )
    op.create_table(
        "code",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "joined_list",
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("into", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["into"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("list"),
    )
    op.create_index(op.f("ix_joined_list_into"), "joined_list", ["into"], unique=False)
    op.create_table(
        "place",
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("list", "number"),
    )
    op.create_index("place_by_record", "place", ["filing", "position"], unique=False)
    op.create_table(
        "row",
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["filing"],
            ["filing.id"],
        ),
        sa.ForeignKeyConstraint(
            ["list"],
            ["list.id"],
        ),
        sa.PrimaryKeyConstraint("filing", "position"),
    )
    op.create_index(op.f("ix_row_list"), "row", ["list"], unique=False)
