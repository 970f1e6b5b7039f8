"""The migrations and the tables in the code say the same, and walk both ways without losing a row."""

import re

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger_world import fill_user_tables, judged, promoted, trained
from pawl.errors import RefusalError
from pawl.ledger.chain_tables import CHAIN_COLUMNS
from pawl.ledger.database import Ledger
from pawl.ledger.inferences import append_inferences, append_trajectories
from pawl.ledger.schema import HEAD, MIGRATIONS, is_current, step_back
from pawl.ledger.tables import METADATA
from recorded_decision import INFERENCE, TRAJECTORY

DESCENDING = {"idx_training_log_created", "idx_model_versions_created"}
# What a database itself says of its tables: columns, constraints and indexes with all that belongs to them.
DECLARED = {
    "sqlite": """
        SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%'
        AND name <> 'alembic_version'""",
    "postgresql": """
        SELECT r.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || a.attnotnull::text ||
            coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
        WHERE r.relnamespace = 'public'::regnamespace AND r.relkind = 'r' AND a.attnum > 0
        AND r.relname <> 'alembic_version' AND NOT a.attisdropped
        UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'
        UNION ALL SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'""",
}


def declared(tx: sa.Connection) -> dict[str, str]:
    return {name: _in_any_order(sql or "") for name, sql in tx.execute(sa.text(DECLARED[tx.dialect.name]))}


def _in_any_order(sql: str) -> str:
    """SQLite adds a column behind the constraints; where it stands means nothing."""
    opening, _, rest = " ".join(sql.split()).partition("(")
    parts = re.split(r",\s*(?![^(]*\))", rest.removesuffix(")").strip())
    return f"{opening} {sorted(part.strip() for part in parts)}"


def rows(ledger: Ledger, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of every table that stands, as text."""
    with ledger.reading() as tx:
        names = [name for name in sa.inspect(tx).get_table_names() if name != "alembic_version"]
        return {name: _row_texts(tx, name, without) for name in names}


def _row_texts(tx: sa.Connection, table: str, without: tuple[str, ...]) -> list[str]:
    found = tx.execute(sa.text(f"SELECT * FROM {table}")).mappings()
    return sorted(str({name: row[name] for name in row if name not in without}) for row in found)


def back(ledger: Ledger, to: str) -> None:
    with ledger.transaction() as tx:
        step_back(tx, to)


def test_the_head_in_the_code_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_migrated_tables_and_indexes_are_those_of_the_code(ledger: Ledger, empty_twin: Ledger) -> None:
    with empty_twin.transaction() as tx:
        METADATA.create_all(tx)
    with ledger.reading() as migrated, empty_twin.reading() as direct:
        found, wanted = declared(migrated), declared(direct)
    assert found == wanted
    assert {"uq_model_versions_champion", "ix_passport_event_outbox_pending"} <= set(found)
    assert {"model_ab_test", "model_ab_test.status"} & set(found)


def test_alembic_finds_nothing_to_do(ledger: Ledger) -> None:
    def is_comparable(_: object, name: str | None, kind: str, *rest: object) -> bool:
        # Alembic reads no DESC back from SQLite; the test above compares these two there, to the letter.
        return kind != "index" or name not in DESCENDING or ledger.engine.dialect.name != "sqlite"

    with ledger.reading() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "include_object": is_comparable})
        assert compare_metadata(context, METADATA) == []


def test_the_schema_walks_back_and_forth_and_keeps_every_row(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", passes=False)
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
        tx.execute(sa.text("DELETE FROM loop_outbox"))  # what was not published has no place in an earlier schema
    with ledger.reading() as tx:
        at_head = declared(tx)
    # Sealed anew, rows stand in the order of their times, whatever order they were written in.
    links = (*CHAIN_COLUMNS, "head_hash", "files_removed_at")
    before = rows(ledger, without=links)
    back(ledger, "r0001")
    standing = rows(ledger)
    assert set(before) - set(standing) == {
        "passport_event_outbox", "tracked_signals", "quick_trades", "pnl_entries", "ml_preference_pairs",
        "model_ab_test", "trading_signals", "personal_data", "chain_heads", "api_tokens", "dead_letters",
        "schedule_runs", "worker_heartbeats", "user_reports", "corpus_documents",
        "loop_outbox", "rollouts", "rollout_moves", "market_data", "user_trading_history", "live_log",
        "trigger_firings", "monthly_selections", "measured_figures", "trade_marks",
    }  # fmt: skip
    assert standing == {name: found for name, found in before.items() if name in standing}
    assert all(standing[name] for name in ("model_versions", "ml_eval_reports", "decision_trajectories"))
    with ledger.reading() as tx:
        assert not is_current(tx)
    ledger.make_current()
    assert rows(ledger, without=links) == before
    with ledger.reading() as tx:
        assert declared(tx) == at_head
    with ledger.transaction() as tx:  # the triggers came back too
        fill_user_tables(tx)
    with pytest.raises(RefusalError, match="pnl_entries is append-only"), ledger.transaction() as tx:
        tx.execute(sa.text("DELETE FROM pnl_entries"))


def test_a_step_back_that_would_lose_rows_is_refused(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    before = rows(ledger)
    with pytest.raises(RefusalError, match="holds rows"):
        back(ledger, "r0001")
    assert rows(ledger) == before


def test_the_first_tables_are_never_taken_away(ledger: Ledger) -> None:
    with pytest.raises(NotImplementedError, match="nothing before the first tables"):
        back(ledger, "base")
    with ledger.reading() as tx:
        assert is_current(tx)
