"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account_change",
        sa.Column("act", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("act"),
    )
    op.create_table(
        "bulk_job",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("rows", sa.String(), nullable=False),
        sa.Column("official", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("begun_ms", sa.Integer(), nullable=False),
        sa.Column("ended_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "bulk_line",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("job", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_bulk_line_request"), "bulk_line", ["request"], unique=False)
    op.create_index(op.f("ix_bulk_line_step"), "bulk_line", ["step"], unique=False)
    op.create_table(
        "bulk_request",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("job", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "claim",
        sa.Column("xid", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("replied", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("xid"),
    )
    op.create_index(op.f("ix_claim_domain"), "claim", ["domain"], unique=False)
    op.create_table(
        "closed_area",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "token", "area"),
    )
    op.create_table(
        "data_copy",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("layout", sa.Integer(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=False),
        sa.Column("as_of_ms", sa.Integer(), nullable=False),
        sa.Column("expires_ms", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "token", "item"),
    )
    op.create_table(
        "desk_applicant",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "number", "reference"),
    )
    op.create_table(
        "desk_application",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "number"),
    )
    op.create_table(
        "desk_case",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("opener", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.LargeBinary(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("opened_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "number"),
    )
    op.create_index(op.f("ix_desk_case_staff"), "desk_case", ["staff"], unique=False)
    op.create_table(
        "desk_code",
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("expires_ms", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index(op.f("ix_desk_code_staff"), "desk_code", ["staff"], unique=False)
    op.create_table(
        "desk_inquiry",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rows", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("staff", sa.LargeBinary(), nullable=False),
        sa.Column("law", sa.Integer(), nullable=False),
        sa.Column("asked_ms", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("answered_ms", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_desk_inquiry_request"), "desk_inquiry", ["request"], unique=False)
    op.create_table(
        "desk_journal",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("official", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("desk_journal_by_official", "desk_journal", ["official", "what", "time_ms"], unique=False)
    op.create_table(
        "desk_kin",
        sa.Column("staff", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("staff", "mark"),
    )
    op.create_table(
        "desk_passkey",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("staff", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_desk_passkey_staff"), "desk_passkey", ["staff"], unique=False)
    op.create_table(
        "desk_person",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "number", "place"),
    )
    op.create_table(
        "desk_staff",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("official", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("passphrase", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("official"),
    )
    op.create_index(op.f("ix_desk_staff_domain"), "desk_staff", ["domain"], unique=False)
    op.create_table(
        "disputable",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_index(op.f("ix_disputable_expiry"), "disputable", ["expiry"], unique=False)
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
        "flags",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("non_disclosed", sa.Boolean(), nullable=False),
        sa.Column("needs_human", sa.Boolean(), nullable=False),
        sa.Column("own_view_stopped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "token"),
    )
    op.create_table(
        "former_token",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "reference"),
    )
    op.create_table(
        "holding",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "reference"),
    )
    op.create_index("holding_by_token", "holding", ["domain", "token"], unique=True)
    op.create_table(
        "incoming",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "outgoing",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("kept", sa.LargeBinary(), nullable=False),
        sa.Column("context", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "receipt",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("filed", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_table(
        "rest_epoch",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("domain"),
    )
