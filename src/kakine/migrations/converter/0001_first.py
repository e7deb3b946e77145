"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "checked_batch",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request", "party"),
    )
    op.create_table(
        "destroyed_month",
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "domain_share",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("share", sa.LargeBinary(), nullable=False),
        sa.Column("mask_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "epoch"),
    )
    op.create_table(
        "forked_head",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "root"),
    )
    op.create_table(
        "held_share",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("share", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "place"),
    )
    op.create_index(op.f("ix_held_share_entry"), "held_share", ["entry"], unique=False)
    op.create_table(
        "hold",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hold", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "link_day",
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("requester", "recipient", "day"),
    )
    op.create_table(
        "month_key",
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "refusal_day",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "party", "code"),
    )
    op.create_table(
        "rekeyed_batch",
        sa.Column("batch", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch"),
    )
    op.create_table(
        "seen_head",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
    )
    op.create_table(
        "seen_request",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("batch", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("requester_epoch", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("recipient_epoch", sa.Integer(), nullable=False),
        sa.Column("keepers", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.Column("hop", sa.LargeBinary(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("blinded", sa.LargeBinary(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("granted", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("request"),
        sa.UniqueConstraint("batch"),
    )
    op.create_index(op.f("ix_seen_request_time_ms"), "seen_request", ["time_ms"], unique=False)
    op.create_table(
        "stated_count",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "end"),
    )
    op.create_table(
        "use_day",
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
        "used_exchange",
        sa.Column("xid", sa.LargeBinary(), nullable=False),
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("xid"),
    )
    op.create_index("used_by_place", "used_exchange", ["log", "position"], unique=False)
    op.create_index("used_by_request", "used_exchange", ["request"], unique=False)
    op.create_table(
        "withheld_link",
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("requester", "recipient"),
    )
