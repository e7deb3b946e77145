"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "authority_news",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("key"),
    )
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
        "enrolment",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request", "item"),
    )
    op.create_table(
        "enrolment_batch",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("blinded", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("request"),
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
        "person",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kana", sa.String(), nullable=False),
        sa.Column("birth", sa.String(), nullable=False),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("municipality", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("household", sa.LargeBinary(), nullable=False),
        sa.Column("undisclosed", sa.Integer(), nullable=False),
        sa.Column("own_view_stopped", sa.Integer(), nullable=False),
        sa.Column("died", sa.String(), nullable=True),
        sa.Column("kana_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("person_birth_kana", "person", ["birth", "kana_key"], unique=False)
    op.create_index("person_household", "person", ["household"], unique=False)
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
        "authority_handle",
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("handle"),
    )
    op.create_table(
        "former_items",
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("until_version", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kana", sa.String(), nullable=False),
        sa.Column("municipality", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person", "until_version"),
    )
    op.create_table(
        "life_event",
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("recorded_ms", sa.Integer(), nullable=False),
        sa.Column("reporter", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person", "version"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "loss_code",
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "number",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(
        "number_in_force",
        "number",
        ["person"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("number_of_person", "number", ["person", "version"], unique=False)
    op.create_table(
        "record_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index(
        "record_code_in_force",
        "record_code",
        ["person"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("record_code_of_person", "record_code", ["person", "version"], unique=False)
