"""Dataset versions: rebuilt to the same hash whatever has happened since, and cut where nothing can come before."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_world import END, NOW, RULES, World, crowd, decision
from decision_events import START, chain, record
from pawl.datasets.catalogue import find_version
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.rows_file import rows_path
from pawl.errors import InputError, QualityError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.pair_tables import preference_pairs
from pawl.ledger.service_tables import dead_letters
from pawl.ledger.training_tables import dataset_versions
from pawl.policy.utility import UtilitySettings

TYPES = ("pretrain", "sft", "orpo")


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> World:
    made = World(ledger, tmp_path)
    made.tell(crowd())
    return made


@pytest.fixture
def small(sqlite_ledger: Ledger, tmp_path: Path) -> World:
    made = World(sqlite_ledger, tmp_path)
    made.tell(crowd())
    return made


def count(world: World, table: sa.Table) -> int:
    with world.ledger.reading() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.mark.parametrize("kind", TYPES)
def test_pass_r38_a_version_is_rebuilt_to_its_count_and_hash(world: World, kind: str) -> None:
    built = world.build(kind)
    assert built.is_new
    assert built.sample_count > 10
    found = world.verify(built)
    assert found.is_identical
    assert (found.rebuilt_hash, found.rebuilt_count, found.file) == (built.content_hash, built.sample_count, "same")
    again = world.build(kind)
    assert (again.dataset_version_id, again.is_new) == (built.dataset_version_id, False)
    assert count(world, dataset_versions) == 1
    if kind == "orpo":
        assert count(world, preference_pairs) == built.sample_count


def test_pass_r38_the_hash_is_the_same_on_both_databases(world: World, tmp_path: Path) -> None:
    other = World(Ledger("sqlite://"), tmp_path / "other")
    other.ledger.make_current()
    other.tell(crowd())
    for kind in TYPES:
        first, second = world.build(kind), other.build(kind)
        assert first.content_hash == second.content_hash
        assert first.dataset_version_id == second.dataset_version_id


def later(world: World, rng: random.Random, what: str) -> None:
    """One of the things that happen after a dataset was built."""
    number = rng.randrange(10**6)
    at = START + timedelta(days=rng.uniform(0, 39))
    after = NOW - timedelta(days=rng.uniform(1, 300))
    if what == "late outcomes":
        world.tell(decision(f"late{number}", at, who=rng.randrange(5), pnl_bps=4000.0, recorded_at=after))
    elif what == "other users":
        world.tell(decision(f"new{number}", after, who=99, pnl_bps=-50.0))
    elif what == "open trades":
        world.tell(chain(f"open{number}", at)[:2])
    else:
        with world.ledger.transaction() as tx:
            t = decision_trajectories.c
            names = tx.execute(sa.select(t.trajectory_id).where(t.label_quality != "pending")).scalars()
            of_some = t.trajectory_id.in_(rng.sample(sorted(names), 20))
            values: Any = {"label_quality": rng.choice(["ambiguous", "bad", "good"]), "utility_score": 1234.5}
            tx.execute(sa.update(decision_trajectories).where(of_some).values(values))


@given(
    happened=st.lists(st.sampled_from(["late outcomes", "other users", "open trades", "labels"]), max_size=5),
    seed=st.integers(0, 999),
    kind=st.sampled_from(TYPES),
)
@settings(max_examples=10, deadline=None)
def test_pass_r38_nothing_that_happens_later_changes_a_rebuild(
    tmp_path_factory: pytest.TempPathFactory, happened: list[str], seed: int, kind: str
) -> None:
    world = World(Ledger("sqlite://"), tmp_path_factory.mktemp("home"))
    world.ledger.make_current()
    world.tell(crowd(120, seed))
    built = world.build(kind)
    rng = random.Random(seed)
    for what in happened:
        later(world, rng, what)
    assert world.verify(built).is_identical
    world.ledger.close()


def test_pass_r38_a_version_whose_trajectory_was_altered_is_not_identical(small: World) -> None:
    built = small.build("sft")
    name = small.rows(built)["trajectory_id"][0]
    with small.ledger.transaction() as tx:
        c = decision_trajectories.c
        row = tx.execute(sa.select(c.trajectory_id, c.outcome_features)).all()
        found = next(one for one in row if str(one.trajectory_id) == name)
        forged = {**found.outcome_features, "pnl_bps": -1.0}
        of_one = c.trajectory_id == found.trajectory_id
        tx.execute(sa.update(decision_trajectories).where(of_one).values(outcome_features=forged))
    assert not small.verify(built).is_identical


def test_pass_r38_a_changed_file_is_found_and_a_missing_one_said(small: World) -> None:
    built = small.build("sft")
    path = rows_path(small.home, built.dataset_version_id)
    assert oct(path.stat().st_mode)[-3:] == "444"
    rows = small.rows(built)
    path.unlink()
    assert (small.verify(built).file, small.verify(built).is_identical) == ("missing", True)
    rows.head(rows.height - 1).write_parquet(path)
    assert (small.verify(built).file, small.verify(built).is_identical) == ("changed", False)


def test_pass_r38_other_settings_are_another_version(small: World) -> None:
    first = small.build("sft")
    weights = RULES.model_copy(update={"utility": UtilitySettings(w2=0.1)})
    second = small.build("sft", settings=weights)
    assert second.dataset_version_id != first.dataset_version_id
    # Each is rebuilt by the settings it was built with.
    assert small.verify(first).is_identical
    assert small.verify(second).is_identical


@pytest.mark.parametrize("kind", TYPES)
def test_pass_r46_rows_and_outcomes_precede_the_cut_and_the_sides_stand_apart(small: World, kind: str) -> None:
    # One long hold makes the gap five days; a late outcome and one after the cut are in nothing.
    small.tell(decision("long", START + timedelta(days=20), hold_sec=5 * 86_400))
    late = START + timedelta(days=35)
    small.tell(decision("late", START + timedelta(days=10), recorded_at=late, pnl_bps=500.0))
    cut = START + timedelta(days=38)
    small.tell(decision("after", START + timedelta(days=37), recorded_at=cut, pnl_bps=500.0))
    built = small.build(kind, cut_at=cut)
    outcomes = {}
    with small.ledger.reading() as tx:
        c = decision_trajectories.c
        for row in tx.execute(sa.select(c.trajectory_id, c.outcome_features, c.decision_features)):
            decided = datetime.fromisoformat(row.decision_features["decided_at"])
            outcomes[str(row.trajectory_id)] = (decided, datetime.fromisoformat(row.outcome_features["resolved_at"]))
    rows = small.rows(built)
    columns = ("chosen_id", "rejected_id") if kind == "orpo" else ("trajectory_id",)
    sides: dict[str, list[tuple[datetime, datetime]]] = {"train": [], "eval": []}
    for column in columns:
        for name, side in rows.select(column, "split").iter_rows():
            sides[side].append(outcomes[name])
    assert sides["train"]
    assert sides["eval"]
    assert all(decided < cut and resolved < cut for side in sides.values() for decided, resolved in side)
    first_eval = datetime.fromisoformat(built.quality["split"]["boundary"])
    assert min(decided for decided, _ in sides["eval"]) >= first_eval
    assert max(decided for decided, _ in sides["train"]) < first_eval - timedelta(days=5)
    assert max(resolved for _, resolved in sides["train"]) < first_eval
    assert not {small.name("late"), small.name("after")} & {name for each in columns for name in rows[each]}
    assert built.quality["split"]["gap_sec"] == 5 * 86_400


def test_a_cut_behind_an_event_that_waits_is_refused(small: World) -> None:
    waiting = decision("w", START + timedelta(days=12))
    with small.ledger.transaction() as tx:
        record(tx, waiting)
    with pytest.raises(RefusalError, match="wait to be folded"):
        small.build("pretrain", cut_at=START + timedelta(days=30))
    built = small.build("pretrain")
    with small.ledger.reading() as tx:
        stored = find_version(tx, str(built.dataset_version_id)[:9])
    assert datetime.fromisoformat(stored.filters["cut_at"]) <= waiting[0]["recorded_at"]
    small.fold()
    assert small.verify(built).is_identical


def test_a_cut_so_late_that_a_write_may_be_on_its_way_is_refused(small: World) -> None:
    with pytest.raises(RefusalError, match="on their way"):
        small.build("pretrain", cut_at=NOW)


def test_a_parked_event_holds_nothing_up_and_changes_no_rebuild(small: World) -> None:
    poisoned = decision("p", START + timedelta(days=12), pnl_bps=9000.0)
    with small.ledger.transaction() as tx:
        record(tx, poisoned)
        letter = {
            "worker": "trajectory-worker", "item_id": str(poisoned[2]["event_id"]), "error": "…", "attempts": 5,
        }  # fmt: skip
        tx.execute(sa.insert(dead_letters).values(letter))
    built = small.build("pretrain", cut_at=END + timedelta(days=1))
    assert built.quality["n_parked_traces"] == 1
    # The letter is retried, the event folded: the version stays what it is.
    small.fold()
    with small.ledger.transaction() as tx:
        tx.execute(sa.update(dead_letters).values(status="retried"))
    assert small.verify(built).is_identical
    assert small.name("p") not in small.keys(built)
    assert small.name("p") in small.keys(small.build("pretrain", cut_at=END + timedelta(days=1)))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"dataset_type": "supervised"}, InputError),
        ({"dataset_type": "'; --"}, InputError),
        ({"start": END, "end": START}, InputError),
        ({"start": START - timedelta(days=900), "end": START}, QualityError),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(small: World, changes: Any, error: type[Exception]) -> None:
    kind = changes.pop("dataset_type", "pretrain")
    with pytest.raises(error):
        small.build(kind, **changes)
    assert count(small, dataset_versions) == 0


def test_the_settings_in_the_filters_give_back_what_they_were(small: World) -> None:
    built = small.build("sft")
    with small.ledger.reading() as tx:
        stored = find_version(tx, str(built.dataset_version_id))
    assert PassportSettings.model_validate(stored.filters["settings"]) == RULES
    assert {"decided_from", "decided_before", "cut_at", "seed", "code"} < set(stored.filters)
