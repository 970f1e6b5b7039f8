"""The monthly selection (REV-R34, REV-R35): who is ranked, what the gate says, and what a repeated run finds."""

import math
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monthly_world import AT, START, TICKERS, Months, Oracle, Told, day_of, months
from pawl.errors import RefusalError
from pawl.evaluation.ranking import RankingRules, rank
from pawl.ids import ModelVersion
from pawl.jobs.live import monthly_selection
from pawl.jobs.live.monthly_scoring import Ground, compare_month
from pawl.jobs.live.monthly_selection import select_monthly
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import list_reports, newest_report
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import champion, get_version, list_versions
from pawl.ledger.monthly_selections import Selection
from pawl.ledger.version_tables import model_versions

CHAMPION, BETTER, WORSE = "oracle-1.0", "oracle-1.1", "oracle-1.2"


@pytest.fixture
def market(tmp_path: Path, ledger: Ledger) -> Months:
    return three_versions(tmp_path, ledger)


@pytest.fixture
def small(tmp_path: Path, sqlite_ledger: Ledger) -> Months:
    return three_versions(tmp_path, sqlite_ledger)


def three_versions(tmp_path: Path, ledger: Ledger) -> Months:
    """One that serves and knows little, one that knows more, and one that loses."""
    found = months(tmp_path / "home", ledger)
    found.add(CHAMPION, found.sides(0.53), day_of("2025-11-20"))
    found.serve(CHAMPION, day_of("2025-11-21"))
    found.add(BETTER, found.sides(0.75, seed=2), day_of("2025-12-01"))
    found.add(WORSE, found.sides(0.35, seed=3), day_of("2025-12-08"))
    return found


def served(market: Months) -> str | None:
    with market.ledger.reading() as tx:
        return champion(tx, "oracle")


def places(done: Selection) -> list[tuple[str, int | None]]:
    return [(row["version"], row["place"]) for row in done.ranking]


def test_rev_r34_the_best_of_the_last_30_days_is_promoted_by_a_passing_verdict(market: Months) -> None:
    done = select_monthly(market.world(), AT)
    assert places(done) == [(BETTER, 1), (CHAMPION, 2), (WORSE, 3)]
    assert (done.month, done.scored_from, done.champion, done.best) == (
        "2026-01",
        day_of("2026-01-02"),
        CHAMPION,
        BETTER,
    )
    assert (done.act, served(market)) == ("promoted", BETTER)
    with market.ledger.reading() as tx:
        moves, report = list_deployments(tx, "oracle"), newest_report(tx, ModelVersion(BETTER))
    assert report is not None and report.verdict.passed and report.baseline == CHAMPION
    assert (moves[-1].eval_id, moves[-1].by, moves[-1].at) == (report.eval_id, "monthly selection", AT)
    # Ranked by nothing else than the formula on what stands in the record.
    from pawl.evaluation.ranking import MonthFigures

    names = MonthFigures.__dataclass_fields__
    again = rank(
        {row["version"]: MonthFigures(**{name: row[name] for name in names}) for row in done.ranking}, RankingRules()
    )
    assert [(one.version, one.score) for one in again] == [(row["version"], row["score"]) for row in done.ranking]


def test_every_version_that_the_best_was_chosen_from_is_a_trial(market: Months) -> None:
    select_monthly(market.world(), AT)
    with market.ledger.reading() as tx:
        report = newest_report(tx, ModelVersion(BETTER))
    assert report is not None
    row = next(row for row in report.verdict.rows if row.metric == "deflated_sharpe")
    assert "5 trials" in row.challenger.note  # type: ignore[union-attr]  # 3 numbers taken, and 3 to choose from


def test_a_best_that_the_gate_refuses_leaves_the_champion(market: Months) -> None:
    market.add("oracle-1.3", market.sides(0.56, seed=9), day_of("2025-12-09"))
    with market.ledger.transaction() as tx:
        tx.execute(sa.update(model_versions).where(model_versions.c.version == BETTER).values(status="retired"))
    done = select_monthly(market.world(), AT)
    assert (done.best, done.act, served(market)) == ("oracle-1.3", "kept", CHAMPION)
    assert done.reason.startswith("`oracle-1.3` ranks first, but the gate refused it: net return gain")
    with market.ledger.reading() as tx:
        report = newest_report(tx, ModelVersion("oracle-1.3"))
        assert get_version(tx, "oracle-1.3").status == "refused"
    assert report is not None and not report.verdict.passed and report.eval_id == done.eval_id
    assert BETTER not in [version for version, _ in places(done)]  # retired as poor: out of the running


def test_rev_r35_one_lucky_trade_does_not_win_the_month(market: Months) -> None:
    market.add("oracle-1.3", market.lucky(), day_of("2025-12-09"))
    done = select_monthly(market.world(), AT)
    row = next(row for row in done.ranking if row["version"] == "oracle-1.3")
    assert (row["win_rate"], row["n_resolved"], row["place"]) == (1.0, 1, None)
    assert row["reason"] == "1 resolved signals, fewer than 30"
    assert (done.best, done.act) == (BETTER, "promoted")


def test_all_are_scored_on_the_same_bars_which_none_nor_an_ancestor_has_been_trained_on(
    market: Months, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = "oracle-1.1-daily-20251212"
    # Its certificate says little; the parent it descends from was trained on newer bars.
    market.add("oracle-1.4", market.sides(0.5, seed=5), day_of("2026-01-10"))
    market.add(daily, market.sides(0.6, seed=4), day_of("2025-12-12"), parent="oracle-1.4")
    with market.ledger.transaction() as tx:  # the parent itself takes no part, so only what descends from it says so
        tx.execute(sa.update(model_versions).where(model_versions.c.version == "oracle-1.4").values(status="retired"))
    spans = []
    from pawl.jobs.live import monthly_scoring

    real = monthly_scoring._figures
    monkeypatch.setattr(
        monthly_scoring, "_figures", lambda models, name, bars, span, costs: spans.append(span)
        or real(models, name, bars, span, costs),
    )  # fmt: skip
    done = select_monthly(market.world(), AT)
    assert len(spans) == 4 and {span.start for span in spans} == {day_of("2026-01-10")}
    assert done.scored_from == day_of("2026-01-10")


def test_a_version_that_was_trained_a_week_ago_waits_for_the_next_month(market: Months) -> None:
    market.add("oracle-1.3", market.sides(0.9), day_of("2026-01-25"))
    done = select_monthly(market.world(), AT)
    row = next(row for row in done.ranking if row["version"] == "oracle-1.3")
    assert row["place"] is None and row["reason"].startswith("trained on bars up to 2026-01-25")
    assert done.best == BETTER and done.scored_from == day_of("2026-01-02")


def test_poor_versions_that_never_served_are_retired(market: Months) -> None:
    done = select_monthly(market.world(), AT)
    assert list(done.retired) == [WORSE]
    with market.ledger.reading() as tx:
        row = tx.execute(sa.select(model_versions).where(model_versions.c.version == WORSE)).one()
        assert get_version(tx, WORSE).files_removed_at is None
    assert (row.status, row.deprecated_at) == ("retired", AT)
    assert row.deprecated_reason.startswith("poor in 2026-01: -")
    again = select_monthly(market.world(), AT + timedelta(days=3))
    assert WORSE not in [version for version, _ in places(again)]


def test_a_former_champion_is_never_retired_as_poor(market: Months) -> None:
    market.serve(WORSE, day_of("2025-12-20"))
    market.serve(CHAMPION, day_of("2025-12-21"))
    done = select_monthly(market.world(), AT)
    assert done.retired == {} and WORSE in [version for version, _ in places(done)]


def test_a_former_champion_that_was_taken_out_is_never_retired_as_poor(market: Months) -> None:
    """A version that was rolled back was refused by its rollout: that alone does not make it one that never served."""
    market.serve(WORSE, day_of("2025-12-20"))
    market.serve(CHAMPION, day_of("2025-12-21"))
    market.serve(BETTER, day_of("2025-12-22"))  # so that WORSE is no rollback target
    with market.ledger.transaction() as tx:
        tx.execute(sa.update(model_versions).where(model_versions.c.version == WORSE).values(status="refused"))
    assert select_monthly(market.world(), AT).retired == {}


def test_the_best_is_not_retired_for_being_poor_where_all_are(market: Months) -> None:
    strict = MonthlySettings(poor_below_bps=1000)
    done = select_monthly(market.world(settings=strict), AT)
    assert done.best == BETTER and list(done.retired) == [WORSE]


@pytest.mark.parametrize("is_exact", [True, False])
def test_what_is_poor_is_a_setting_and_counts_to_the_last_digit(small: Months, is_exact: bool) -> None:
    ground = Ground(tickers=TICKERS, costs=small.world().terms.costs, rules=RankingRules(), at=AT)
    with small.ledger.reading() as tx:
        versions = list_versions(tx, "oracle")
    names = [one.version for one in versions]
    figures = compare_month(small.workspace, Oracle(), versions, names, ground).figures
    earned = figures[ModelVersion(WORSE)].avg_pnl
    assert earned is not None
    limit = earned if is_exact else math.nextafter(earned, 0.0)
    done = select_monthly(small.world(settings=MonthlySettings(poor_below_bps=limit)), AT)
    assert list(done.retired) == ([] if is_exact else [WORSE])


def test_a_version_that_is_not_ranked_is_not_poor_however_little_it_earned(small: Months) -> None:
    """One unlucky trade says as little as one lucky one."""
    unlucky = Told({bar: -side for bar, side in small.lucky().sides.items()})
    small.add("oracle-1.3", unlucky, day_of("2025-12-09"))
    done = select_monthly(small.world(), AT)
    row = next(row for row in done.ranking if row["version"] == "oracle-1.3")
    assert row["place"] is None and row["avg_pnl"] < -10
    assert list(done.retired) == [WORSE]


def test_a_poor_version_that_something_else_may_ask_for_is_not_retired(small: Months) -> None:
    world = small.world(also_needed=lambda tx: {ModelVersion(WORSE): "a rollout's candidate"})
    assert select_monthly(world, AT).retired == {}


def test_a_poor_version_that_the_gate_refused_is_retired(small: Months) -> None:
    with small.ledger.transaction() as tx:
        tx.execute(sa.update(model_versions).where(model_versions.c.version == WORSE).values(status="refused"))
    assert list(select_monthly(small.world(), AT).retired) == [WORSE]


@pytest.mark.parametrize("hold", ["pause", "test", "rollout"])
def test_while_paused_or_under_test_the_champion_stays_and_no_verdict_is_asked(market: Months, hold: str) -> None:
    changes = {"is_paused": lambda tx, learner, at: learner == "oracle" and at == AT} if hold == "pause" else {}
    with market.ledger.transaction() as tx:
        if hold == "test":
            arms = {"model_a_version": CHAMPION, "model_b_version": BETTER, "learner": "oracle"}
            tx.execute(sa.insert(ab_tests).values(id=identity("t", 1), test_name="week", start_date=START, **arms))
        if hold == "rollout":
            tx.execute(sa.update(model_versions).where(model_versions.c.version == WORSE).values(status="shadow"))
    done = select_monthly(market.world(**changes), AT)
    assert (done.best, done.act, done.eval_id, served(market)) == (BETTER, "kept", None, CHAMPION)
    said = {"pause": "extreme conditions", "test": "A/B test", "rollout": "in a rollout"}[hold]
    assert said in done.reason
    assert places(done)[0] == (BETTER, 1)


def test_where_a_rollout_is_asked_for_the_best_begins_one_and_does_not_serve_yet(market: Months) -> None:
    begun = []
    world = market.world(begin_rollout=lambda candidate, at: begun.append((candidate, at)))
    done = select_monthly(world, AT)
    assert (done.act, served(market), begun) == ("rollout", CHAMPION, [(BETTER, AT)])
    # A run that was cut off before the rollout began begins it when it is repeated.
    assert select_monthly(world, AT) == done
    assert begun == [(BETTER, AT)] * 2


def test_a_repeated_run_finds_everything_done(market: Months) -> None:
    told = []
    world = market.world(on_move=lambda tx, moved: told.append(moved.to_version))
    done = select_monthly(world, AT)
    assert select_monthly(world, AT) == done
    with market.ledger.reading() as tx:
        assert len(list_reports(tx, ModelVersion(BETTER))) == 1
        assert len(list_deployments(tx, "oracle")) == 2
    assert told == [BETTER]


def test_a_run_that_dies_at_its_end_leaves_nothing_half_done(market: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(monthly_selection, "record_selection", dies)
    with pytest.raises(KeyboardInterrupt):
        select_monthly(market.world(), AT)
    with market.ledger.reading() as tx:
        assert list_reports(tx, ModelVersion(BETTER)) == []
        assert get_version(tx, WORSE).status == "challenger"
    assert served(market) == CHAMPION
    monkeypatch.undo()
    assert select_monthly(market.world(), AT).act == "promoted"


def test_a_version_whose_files_are_spoiled_is_not_ranked_and_stops_nobody(market: Months) -> None:
    with market.ledger.reading() as tx:
        artifact = get_version(tx, WORSE).artifact
    market.workspace.artifacts.path_of(artifact).write_bytes(b"{}")
    done = select_monthly(market.world(), AT)
    row = next(row for row in done.ranking if row["version"] == WORSE)
    assert row["place"] is None and "its bytes were changed" in row["reason"]
    assert done.act == "promoted"


def test_without_any_version_or_any_bar_the_month_passes(tmp_path: Path) -> None:
    empty = months(tmp_path / "home")
    done = select_monthly(empty.world(), AT)
    assert (done.reason, done.act, done.ranking) == ("no version is ranked", "kept", [])
    empty.add(CHAMPION, empty.sides(0.9), day_of("2025-11-20"))
    later = AT + timedelta(days=200)
    assert select_monthly(empty.world(), later).reason == "no version is ranked"


def test_the_first_version_may_begin_to_serve_by_the_month(tmp_path: Path) -> None:
    alone = months(tmp_path / "home")
    alone.add(CHAMPION, alone.sides(0.8), day_of("2025-11-20"))
    done = select_monthly(alone.world(), AT)
    assert (done.act, served(alone), done.champion) == ("promoted", CHAMPION, None)
    assert (
        select_monthly(alone.world(), AT + timedelta(days=1)).reason == f"`{CHAMPION}` serves already and ranks first"
    )


def test_a_champion_that_changed_meanwhile_undoes_the_selection(
    market: Months, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = monthly_selection.reach_verdict

    def meanwhile(*args: object) -> object:
        found = real(*args)  # type: ignore[arg-type]
        market.serve(WORSE, AT - timedelta(hours=1))
        return found

    monkeypatch.setattr(monthly_selection, "reach_verdict", meanwhile)
    with pytest.raises(RefusalError, match="serves now"):
        select_monthly(market.world(), AT)
    assert served(market) == WORSE
