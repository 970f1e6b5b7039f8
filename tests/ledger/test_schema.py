"""The migrations and the tables in the code say the same."""

from pathlib import Path

import sqlalchemy as sa
from alembic.script import ScriptDirectory

from pawl.ledger.database import Ledger
from pawl.ledger.schema import HEAD, MIGRATIONS
from pawl.ledger.tables import METADATA


def test_the_head_in_the_code_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_migrated_tables_and_indexes_are_those_of_the_code(ledger: Ledger, tmp_path: Path) -> None:
    made = sa.create_engine(f"sqlite:///{tmp_path}/made.db")
    METADATA.create_all(made)
    declared = sa.text(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%' "
        "AND name <> 'alembic_version' ORDER BY name"
    )
    with ledger.reading() as migrated, made.connect() as direct:
        found, wanted = (
            {name: " ".join((sql or "").split()) for name, sql in one.execute(declared)} for one in (migrated, direct)
        )
    made.dispose()
    assert found == wanted
    assert "model_versions" in found
    assert "uq_model_versions_champion" in found
