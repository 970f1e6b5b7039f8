"""A fortnight by the calendar: what is due happens once, in its order, and no update is deployed during a test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import chi2_contingency

from paper_cadence import BEGAN, FIRST, SECOND, THIRD, WEEK, PaperCadence
from pawl.gates.routing import place_of
from pawl.jobs import cadence_replay
from pawl.jobs.cadence_journal import Journal
from pawl.jobs.cadence_market import outcomes_of
from pawl.jobs.cadence_replay import CadenceRun
from pawl.learners.reversal_daily import DailyOrder
from pawl.ledger.model_versions import champion
from pawl.models.reversal_model import ReversalNet
from small_cadence import told, whole
from training_world import SUNDAY


def test_rev_r10_everything_due_happens_once_in_its_order() -> None:
    keys = [one["event"] for one in whole()["verdicts"]]
    assert len(set(keys)) == len(keys)
    assert [len(told(whole(), kind)) for kind in ("first", "weekly", "daily", "monthly")] == [1, 1, 9, 0]
    assert keys.index(f"weekly@{SUNDAY.isoformat()}") < keys.index(f"daily@{SUNDAY.replace(hour=2).isoformat()}")
    assert whole()["daily"]["due"] == 9
    assert whole()["daily"]["skipped"] == 2, "Sunday and Monday"
    assert sum(whole()["daily"][name] for name in ("skipped", "passed", "failed")) == 9


def test_rev_r32_no_update_is_deployed_while_the_test_runs() -> None:
    (weekly,) = told(whole(), "weekly")
    assert weekly["test"] == weekly["version"]
    after = [one for one in told(whole(), "daily") if one["event"] > f"daily@{SUNDAY.isoformat()}" and "version" in one]
    assert after
    assert not any(one["is_deployed"] for one in after)


def decided(run: CadenceRun, week: int) -> Mapping[str, Any] | None:
    """What is told of the test that ended with a week."""
    found: Mapping[str, Any] | None = run.told[f"weekly@{(BEGAN + WEEK * week).isoformat()}"]["decided"]
    return found


def serving(world: PaperCadence) -> str | None:
    with world.ledger.reading() as tx:
        return champion(tx, "reversal")


def recount(world: PaperCadence, run: CadenceRun) -> dict[str, tuple[int, int]]:
    """Wins and resolved signals of the first week's test, bar by bar: half of the bars to each arm, by their hash."""
    (test_id, *others) = pl.concat(run.said["gated"]).drop_nulls("ab_test")["ab_test"].unique(maintain_order=True)
    assert test_id not in others
    outcomes = {(one["ticker"], one["ts"]): one for one in outcomes_of(world.bars).to_dicts()}
    said = {name: {(one["ticker"], one["ts"]): one["signal"] for one in frame.to_dicts()}
            for name, frame in world.said.items()}  # fmt: skip
    counts = {FIRST: [0, 0], SECOND: [0, 0]}
    for bar in world.bars.filter(pl.col("available_at").is_between(BEGAN, BEGAN + WEEK, closed="right")).to_dicts():
        key = bar["ticker"], bar["ts"]
        arm = FIRST if place_of(test_id, bar["ticker"], "15m", bar["ts"].isoformat()) < 0.5 else SECOND
        side = said[arm][key]
        if side == "hold" or outcomes[key][f"{side}_outcome"] not in ("win", "loss"):
            continue
        if outcomes[key][f"{side}_resolved"] <= BEGAN + WEEK:
            counts[arm][0] += outcomes[key][f"{side}_outcome"] == "win"
            counts[arm][1] += 1
    return {name: (wins, n) for name, (wins, n) in counts.items()}


@pytest.mark.parametrize(
    ("first", "second", "winner", "serves"),
    [("loss", "win", "model_b", SECOND), ("win", "loss", "model_a", FIRST), ("win", "win", "tie", FIRST)],
)
def test_rev_r30_a_week_s_test_is_decided_on_its_own_signals_and_moves_what_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str, winner: str, serves: str
) -> None:
    """REV-R26, R27, R30, R32 in the replay: a weekly version begins a test of seven days and half of the bars; at its
    end the arms are counted, and the alias moves for a winner of the new version alone.
    """
    world = PaperCadence(tmp_path, {FIRST: first, SECOND: second, THIRD: "win"})
    run = world.play(monkeypatch, weeks=2)
    assert decided(run, 0) is None
    found = decided(run, 1)
    assert found is not None and (found["model_a"], found["model_b"]) == (FIRST, SECOND)
    counts = recount(world, run)
    assert counts == {FIRST: (found["wins_a"], found["resolved_a"]), SECOND: (found["wins_b"], found["resolved_b"])}
    assert min(n for _, n in counts.values()) > 200
    table = [[wins, n - wins] for wins, n in counts.values()]
    expected = 1.0 if winner == "tie" else chi2_contingency(table, correction=False).pvalue
    assert found["p_value"] == pytest.approx(expected, abs=1e-5) and found["winner"] == winner
    assert serving(world) == serves
    gated = pl.concat(run.said["gated"])
    spans = {"before": (-WEEK, 0 * WEEK), "first": (0 * WEEK, WEEK), "second": (WEEK, 2 * WEEK)}
    weeks = {
        name: gated.filter(pl.col("available_at").is_between(BEGAN + since, BEGAN + until, closed="right"))
        for name, (since, until) in spans.items()
    }
    assert weeks["before"]["ab_test"].null_count() == weeks["before"].height > 0
    for name, arms in (("first", {FIRST, SECOND}), ("second", {serves, THIRD})):
        assert set(weeks[name]["version"]) == arms and weeks[name]["ab_test"].n_unique() == 1
        assert weeks[name]["ab_test"].null_count() == 0
    share_of_a = (weeks["first"]["version"] == FIRST).mean()
    assert isinstance(share_of_a, float) and abs(share_of_a - 0.5) < 0.05
    assert world.asked == [True, True]


def test_rev_r25_a_week_whose_version_fails_has_no_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test before it is decided all the same; then what serves decides alone, and updates are deployed again."""
    world = PaperCadence(tmp_path, {FIRST: "loss", SECOND: "win", THIRD: "win"}, refused=frozenset({THIRD}))
    run = world.play(monkeypatch, weeks=2)
    found = decided(run, 1)
    assert found is not None and found["winner"] == "model_b"
    told = run.told[f"weekly@{(BEGAN + WEEK).isoformat()}"]
    assert (told["version"], told["verdict"], told["test"], told["serving"]) == (THIRD, "fail", None, SECOND)
    after = pl.concat(run.said["gated"]).filter(pl.col("available_at") > BEGAN + WEEK)
    assert set(after["version"]) == {SECOND} and after["ab_test"].null_count() == after.height > 0
    assert world.asked == [True, False]
    again = world.play(monkeypatch, weeks=2)
    assert world.made == [FIRST, SECOND, THIRD], "what stands in the journal is not done again"
    assert pl.concat(again.said["gated"]).equals(pl.concat(run.said["gated"])) and again.told == run.told


def test_an_unasked_update_reads_nothing_that_had_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = PaperCadence(tmp_path, {FIRST: "win", SECOND: "win"})
    read: list[pl.DataFrame] = []

    def update(learner: object, model: object, bars: pl.DataFrame, order: DailyOrder) -> None:
        read.append(bars)

    monkeypatch.setattr(cadence_replay, "update_daily", update)
    player = cadence_replay._Player(world.world, world.order(1), world.bars, Journal(tmp_path / "journal.jsonl"))
    player.always = (FIRST, ReversalNet.__new__(ReversalNet))
    assert player._always_update(BEGAN) is None
    (bars,) = read
    assert bars["available_at"].max() == world.bars.filter(pl.col("available_at") < BEGAN)["available_at"].max()
