"""The metrics of a loop, as Prometheus reads them."""

from dataclasses import replace
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from live_world import START
from pawl.errors import StorageError
from pawl.jobs.live.figures import LoopFigures
from pawl.jobs.live.monitoring_gauges import Gauge
from pawl.jobs.live.watch import LoopWatch, Run
from pawl.serving.live_metrics import METRICS, metrics_text

FIGURES = LoopFigures(
    decisions={("m002-1.0", "buy"): 3, ("m002-1.0", "hold"): 9}, hold_share=0.75, pending=2, backlog=4,
    trainings={"running": 1}, learnt={"daily_skipped": 5, "full_passed": 2}, newest_close=START, ran_at={},
)  # fmt: skip


def samples(text: bytes) -> dict[tuple[str, str], float]:
    """(name, label values by the name of the label) → value."""
    return {
        (one.name, ",".join(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def watched() -> LoopWatch:
    watch = LoopWatch(["signals", "daily"])
    watch.begins("daily")
    told = {"signals": 2, "stale": 1, "unanswered": 3, "warnings": {"x": "y"}}
    watch.ended(Run(cycle="signals", at=START, told=told, seconds=0.5, late_sec=1.5, n_missed=2, error="bad"))
    return watch


def test_everything_that_is_promised_is_told() -> None:
    found = samples(metrics_text(watched(), lambda: FIGURES, lambda: START + timedelta(minutes=5)))
    assert found["pawl_up", ""] == 1.0
    assert found["pawl_cycle_seconds_sum", "signals"] == 0.5 and found["pawl_cycle_seconds_count", "signals"] == 1
    assert found["pawl_cycle_late_seconds", "signals"] == 1.5
    assert (found["pawl_cycle_running", "signals"], found["pawl_cycle_running", "daily"]) == (0.0, 1.0)
    assert found["pawl_cycle_last_run_timestamp_seconds", "signals"] == START.timestamp()
    for name in ("missed", "errors", "warnings"):
        assert found[f"pawl_cycle_{name}_total", "signals"] == {"missed": 2, "errors": 1, "warnings": 1}[name]
    assert found["pawl_skipped_total", "stale"] == 1 and found["pawl_skipped_total", "unanswered"] == 3
    assert found["pawl_decisions", "buy,m002-1.0"] == 3 and found["pawl_hold_share", ""] == 0.75
    assert found["pawl_pending_outcomes", ""] == 2 and found["pawl_outbox_backlog", ""] == 4
    assert found["pawl_training_jobs", "running"] == 1 and found["pawl_newest_bar_age_seconds", ""] == 300
    assert found["pawl_trainings_total", "daily,skipped"] == 5 and found["pawl_trainings_total", "full,passed"] == 2
    told = {name.removesuffix("_sum").removesuffix("_count") for name, _ in found}
    assert told == set(METRICS)


def test_while_the_ledger_is_away_the_rest_is_told() -> None:
    def gone() -> LoopFigures:
        raise StorageError("gone", where="ledger", fix="wait")

    found = samples(metrics_text(watched(), gone, lambda: START))
    assert found["pawl_up", ""] == 0.0 and ("pawl_cycle_seconds_count", "signals") in found
    assert ("pawl_pending_outcomes", "") not in found


def test_rev_r44_what_monitoring_found_stands_beside_it_once() -> None:
    """REV-R44: every gauge of the monitoring, by its labels; not what the loop says of itself already."""
    found = samples(
        metrics_text(watched(), lambda: FIGURES, lambda: START, lambda: [
            Gauge("pawl_win_rate", {"learner": "m002", "version": "m002-1.0"}, 0.75),
            Gauge("pawl_win_rate", {"learner": "m002", "version": "m002-1.1"}, 0.25),
            Gauge("pawl_train_val_gap", {"learner": "m002"}, -0.5),
            Gauge("pawl_hold_share", {"learner": "m002"}, 0.1),
        ])
    )  # fmt: skip
    assert found["pawl_win_rate", "m002,m002-1.0"] == 0.75 and found["pawl_win_rate", "m002,m002-1.1"] == 0.25
    assert found["pawl_train_val_gap", "m002"] == -0.5
    assert found["pawl_hold_share", ""] == 0.75 and ("pawl_hold_share", "m002") not in found


def test_what_was_never_measured_is_absent() -> None:
    fresh = replace(FIGURES, hold_share=None, newest_close=None)
    found = samples(metrics_text(LoopWatch(["signals"]), lambda: fresh, lambda: START))
    absent = {"pawl_hold_share", "pawl_newest_bar_age_seconds", "pawl_cycle_last_run_timestamp_seconds"}
    assert not absent & {name for name, _ in found} and found["pawl_pending_outcomes", ""] == 2


def test_what_was_skipped_is_summed_over_the_cycles() -> None:
    watch = watched()
    watch.ended(Run(cycle="daily", at=START, told={"stale": 4}, seconds=0.5, late_sec=0, n_missed=0, error=None))
    found = samples(metrics_text(watch, lambda: FIGURES, lambda: START))
    assert (found["pawl_skipped_total", "stale"], found["pawl_skipped_total", "unanswered"]) == (5, 3)
