"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "act",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("act", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("prepared_ms", sa.Integer(), nullable=False),
        sa.Column("signer", sa.Integer(), nullable=False),
        sa.Column("signed_ms", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "assessment_card",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("party", "file"),
    )
    op.create_table(
        "breach_case",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("held", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "erasure",
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=False),
        sa.Column("notice", sa.LargeBinary(), nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("expiry"),
    )
    op.create_table(
        "erasure_statement",
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("expiry", "party"),
    )
    op.create_table(
        "hold",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("hold", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("lift", sa.LargeBinary(), nullable=True),
        sa.Column("lift_entry", sa.LargeBinary(), nullable=True),
        sa.Column("lift_told", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_hold_expiry"), "hold", ["expiry"], unique=False)
    op.create_table(
        "journal",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "opening",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.LargeBinary(length=64), nullable=False),
        sa.Column("commission", sa.LargeBinary(length=64), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "proposal",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gazette", sa.LargeBinary(), nullable=False),
        sa.Column("ministry", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "refusal_cell",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "party", "code"),
    )
    op.create_table(
        "snapshot",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "staff_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("used_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index(op.f("ix_staff_code_member"), "staff_code", ["member"], unique=False)
    op.create_table(
        "staff_member",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("ended_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "staff_passkey",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_staff_passkey_member"), "staff_passkey", ["member"], unique=False)
    op.create_table(
        "use_cell",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("row", sa.String(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "ground", "row", "requester", "recipient"),
    )
    op.create_table(
        "uses_said",
        sa.Column("converter", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("over", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("converter", "day"),
    )
    op.create_table(
        "version",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gazette", sa.LargeBinary(), nullable=False),
        sa.Column("ministry", sa.LargeBinary(), nullable=False),
        sa.Column("commission", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(length=80), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("version_number", "version", ["number"], unique=False)
    op.create_table(
        "witness_day",
        sa.Column("witness", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("signed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("witness", "day"),
    )
