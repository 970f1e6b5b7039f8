"""Old daily versions (REV-R36): whose files go, whose stay, that rows stay, and that nothing is missing unsaid."""

import multiprocessing
import signal
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from kill_retention import LATER, killed_at
from monthly_world import AT, START, Months, Oracle, day_of, months
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.live import monthly_selection
from pawl.jobs.live.monthly_selection import select_monthly
from pawl.jobs.live.retention import may_go, sweep
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.workspace import Workspace
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import list_versions
from pawl.ledger.version_tables import model_versions

WEEKLY = "oracle-1.0"


def daily(day: int) -> str:
    return f"oracle-1.0-daily-202511{day:02d}"


@pytest.fixture
def market(tmp_path: Path, ledger: Ledger) -> Months:
    """A weekly version that serves, its old dailies 10 … 14, each the child of the weekly, and a young one."""
    found = months(tmp_path / "home", ledger)
    found.add(WEEKLY, found.sides(0.6), day_of("2025-11-05"))
    found.serve(WEEKLY, day_of("2025-11-06"))
    for day in range(10, 15):
        found.add(daily(day), found.sides(0.5, seed=day), day_of(f"2025-11-{day}"), parent=WEEKLY)
    found.add("oracle-1.0-daily-20260110", found.sides(0.5, seed=99), day_of("2026-01-10"), parent=WEEKLY)
    return found


def gone(market: Months) -> list[str]:
    """Versions that have given up their files; each of them, and no other, has lost what was its own."""
    with market.ledger.reading() as tx:
        versions = list_versions(tx, "oracle")
    store = market.workspace.artifacts
    assert all(store.path_of(one.artifact).exists() is (one.files_removed_at is None) for one in versions)
    for one in versions:
        if one.files_removed_at is None:
            store.load(one.artifact)
    return [one.version for one in versions if one.files_removed_at is not None]


def test_rev_r36_old_daily_versions_lose_their_files_and_keep_their_rows(market: Months) -> None:
    with market.ledger.reading() as tx:
        before = [one.version for one in list_versions(tx)]
    done = select_monthly(market.world(), LATER)
    assert gone(market) == list(done.removed) == [daily(day) for day in range(10, 15)]
    with market.ledger.reading() as tx:
        assert [one.version for one in list_versions(tx)] == before
        rows = tx.execute(sa.select(model_versions).where(model_versions.c.files_removed_at.is_not(None))).all()
    assert all((row.status, row.deprecated_at, row.files_removed_at) == ("retired", LATER, LATER) for row in rows)
    assert {row.deprecated_reason for row in rows} == {"daily version older than 3 months"}


def test_rev_r36_three_months_are_counted_to_the_day(market: Months) -> None:
    with market.ledger.reading() as tx:
        versions = list_versions(tx, "oracle")
    assert may_go(versions, {}, day_of("2026-02-10"), 3) == []
    assert may_go(versions, {}, day_of("2026-02-10") + timedelta(seconds=1), 3) == [daily(10)]
    assert may_go(versions, {}, day_of("2026-02-12"), 3) == [daily(10), daily(11)]


def test_rev_r36_weekly_versions_stay_for_ever(market: Months) -> None:
    market.add("oracle-1.1", market.sides(0.4, seed=7), day_of("2025-11-07"))
    select_monthly(market.world(), day_of("2030-01-01"))
    assert {"oracle-1.0", "oracle-1.1"} & set(gone(market)) == set()


def test_rev_r36_champion_rollback_target_arms_and_rollouts_keep_their_files(market: Months) -> None:
    market.serve(daily(10), day_of("2025-11-20"))
    market.serve(daily(11), day_of("2025-11-21"))
    with market.ledger.transaction() as tx:
        arms = {"model_a_version": WEEKLY, "model_b_version": daily(12), "learner": "oracle"}
        tx.execute(sa.insert(ab_tests).values(id=identity("t", 1), test_name="week", start_date=START, **arms))
        tx.execute(sa.update(model_versions).where(model_versions.c.version == daily(13)).values(status="canary"))
    select_monthly(market.world(), LATER)
    assert gone(market) == [daily(14)]


def test_rev_r36_an_old_daily_version_that_wins_the_month_keeps_its_files(tmp_path: Path, ledger: Ledger) -> None:
    """It begins a rollout after the commit; an equally old one that loses gives up its files."""
    market = months(tmp_path / "home", ledger)
    market.add(WEEKLY, market.sides(0.53), day_of("2025-11-20"))
    market.serve(WEEKLY, day_of("2025-11-21"))
    best, other = "oracle-1.0-daily-20251026", "oracle-1.0-daily-20251027"
    for version, skill, day in ((best, 0.75, 26), (other, 0.5, 27)):
        read_until, at = day_of("2025-11-20"), day_of(f"2025-10-{day}")
        market.add(version, market.sides(skill, seed=day), read_until, parent=WEEKLY, at=at)
    begun: list[str] = []
    done = select_monthly(market.world(begin_rollout=lambda version, at: begun.append(version)), AT)
    assert (done.act, done.best, begun, list(done.removed)) == ("rollout", best, [best], [other])
    assert gone(market) == [other]


def test_rev_r36_a_former_champion_that_gave_up_its_files_takes_no_part_any_more(market: Months) -> None:
    """It served, so that it is not out of the running as poor; there is nothing left to score it by."""
    for number in range(10, 14):
        market.serve(daily(number), day_of(f"2025-11-{number + 10}"))
    assert daily(10) in select_monthly(market.world(), LATER).removed
    done = select_monthly(market.world(), LATER + timedelta(days=1))
    assert {row["version"] for row in done.ranking} == {WEEKLY, daily(12), daily(13), "oracle-1.0-daily-20260110"}


def test_rev_r36_what_another_part_of_the_loop_needs_stays(market: Months) -> None:
    world = market.world(also_needed=lambda tx: {ModelVersion(daily(12)): "a rollout's candidate"})
    select_monthly(world, LATER)
    assert gone(market) == [daily(day) for day in (10, 11, 13, 14)]


def test_rev_r36_a_parent_of_a_kept_version_stays_and_so_do_its_own_parents(market: Months) -> None:
    with market.ledger.transaction() as tx:
        for child, parent in ((daily(11), daily(10)), (daily(12), daily(11)), ("oracle-1.0-daily-20260110", daily(12))):
            chosen = model_versions.c.version == child
            tx.execute(sa.update(model_versions).where(chosen).values(parent_version=parent))
    select_monthly(market.world(), LATER)
    assert gone(market) == [daily(13), daily(14)]
    # Once the youngest is old too, the whole line goes at once.
    select_monthly(market.world(), day_of("2026-05-01"))
    assert len(gone(market)) == 6


def test_rev_r36_a_file_that_a_kept_version_shares_stays(market: Months) -> None:
    with market.ledger.transaction() as tx:
        young = model_versions.c.version == "oracle-1.0-daily-20260110"
        artifact = tx.execute(
            sa.select(model_versions.c.artifact).where(model_versions.c.version == daily(10))
        ).scalar_one()
        tx.execute(sa.update(model_versions).where(young).values(artifact=artifact))
    select_monthly(market.world(), LATER)
    assert market.workspace.artifacts.load(artifact)
    assert sweep(market.workspace) == 0


def test_rev_r36_what_a_fitted_layer_or_a_replay_names_stays(market: Months) -> None:
    with market.ledger.reading() as tx:
        files = {one.version: one for one in list_versions(tx, "oracle")}
    market.workspace.layers.put("layer", market.workspace.artifacts.load(files[ModelVersion(daily(10))].artifact))
    replay = Months(Workspace.at(market.workspace.home / "replays" / "first"), market.bars)
    twin = replay.add(daily(11), market.sides(0.5, seed=11), day_of("2025-11-11"), parent=WEEKLY)
    store = market.workspace.artifacts
    select_monthly(market.world(), LATER)
    assert market.workspace.layers.get("layer") is not None
    with replay.ledger.reading() as tx:
        assert store.load(next(one.artifact for one in list_versions(tx) if one.version == twin))
    assert not store.path_of(files[ModelVersion(daily(12))].artifact).exists()


def test_rev_r36_a_removed_version_says_that_it_was_removed(market: Months) -> None:
    select_monthly(market.world(), LATER)
    record = market.workspace.versions.get(daily(10))
    with pytest.raises(RefusalError, match=r"the files of `oracle-1\.0-daily-20251110` were given up on 2026-03-15"):
        LoadedModels(market.workspace, Oracle()).of(record)


def test_rev_r36_a_second_run_changes_nothing(market: Months) -> None:
    done = select_monthly(market.world(), LATER)
    files = sorted(market.workspace.artifacts.root.rglob("*"))
    assert select_monthly(market.world(), LATER) == done
    assert list(select_monthly(market.world(), LATER + timedelta(days=1)).removed) == []
    assert sorted(market.workspace.artifacts.root.rglob("*")) == files


def test_rev_r36_rows_are_said_before_files_go(market: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off between the two, the row says that the files are gone while they still lie there; never the reverse."""

    def dies(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(monthly_selection, "sweep", dies)
    with pytest.raises(KeyboardInterrupt):
        select_monthly(market.world(), LATER)
    with market.ledger.reading() as tx:
        removed = [one for one in list_versions(tx, "oracle") if one.files_removed_at is not None]
    assert len(removed) == 5
    assert all(market.workspace.artifacts.path_of(one.artifact).exists() for one in removed)
    monkeypatch.undo()
    select_monthly(market.world(), LATER)
    assert len(gone(market)) == 5


@pytest.mark.parametrize("n", [0, 1, 4, 9])
def test_rev_r36_kill_9_at_any_file_leaves_nothing_missing_unsaid(tmp_path: Path, n: int) -> None:
    home = tmp_path / "home"
    market = months(home)
    market.add(WEEKLY, market.sides(0.6), day_of("2025-11-05"))
    market.serve(WEEKLY, day_of("2025-11-06"))
    for day in range(10, 15):
        market.add(daily(day), market.sides(0.5, seed=day), day_of(f"2025-11-{day}"), parent=WEEKLY)
    market.ledger.close()
    process = multiprocessing.get_context("spawn").Process(target=killed_at, args=(home, n))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    market = months(home)
    with market.ledger.reading() as tx:
        for one in list_versions(tx, "oracle"):
            if one.files_removed_at is None:
                market.workspace.artifacts.load(one.artifact)
    select_monthly(market.world(), LATER)
    assert gone(market) == [daily(day) for day in range(10, 15)]
    market.ledger.close()
