"""The metrics of a loop in Prometheus' text format, made when they are asked for from its watch and its ledger."""

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from pawl.errors import StorageError
from pawl.jobs.live.figures import LoopFigures
from pawl.jobs.live.monitoring_gauges import GAUGES, Gauge
from pawl.jobs.live.watch import LoopWatch

__all__ = ["METRICS", "metrics_text", "nothing_monitored"]

METRICS = {
    "pawl_up": "1 while the ledger answers, else 0",
    "pawl_cycle_seconds": "time that runs of a cycle took, seconds",
    "pawl_cycle_late_seconds": "how long after it was due the newest run of a cycle began, seconds of its clock",
    "pawl_cycle_last_run_timestamp_seconds": "when the newest run of a cycle was due, seconds since 1970 of its clock",
    "pawl_cycle_missed_total": "due instants that a later run stood for",
    "pawl_cycle_errors_total": "runs of a cycle that failed",
    "pawl_cycle_warnings_total": "things that a run of a cycle could not do",
    "pawl_cycle_running": "1 while a cycle runs, else 0",
    "pawl_skipped_total": "closed bars on which nobody decided, by why",
    "pawl_decisions": "decisions of the last day of the loop's clock, by version and action",
    "pawl_hold_share": "share of hold among the decisions of the last day, fraction",
    "pawl_pending_outcomes": "buys and sells without an outcome",
    "pawl_outbox_backlog": "events that wait to be published",
    "pawl_training_jobs": "training jobs by status",
    "pawl_trainings_total": "trainings that the loop held or skipped, by kind and by what came of them",
    "pawl_newest_bar_age_seconds": "age of the newest bar on the loop's clock, seconds",
}
"""Every metric with its meaning."""

SKIPPED = ("stale", "unanswered")


class _Loop(Collector):
    def __init__(
        self,
        watch: LoopWatch,
        figures: Callable[[], LoopFigures],
        now: Callable[[], datetime],
        monitored: Callable[[], Iterable[Gauge]],
    ) -> None:
        self._watch, self._figures, self._now, self._monitored = watch, figures, now, monitored

    def collect(self) -> Iterable[Metric]:
        yield from _of_watch(self._watch)
        try:
            figures, monitored = self._figures(), list(self._monitored())
        except StorageError:
            yield _gauge("pawl_up", 0.0)
            return
        yield _gauge("pawl_up", 1.0)
        yield from _of_ledger(figures, self._now())
        yield from _of_monitoring(monitored)


def nothing_monitored() -> Iterable[Gauge]:
    """Where nobody looks at the learner."""
    return ()


def metrics_text(
    watch: LoopWatch,
    figures: Callable[[], LoopFigures],
    now: Callable[[], datetime],
    monitored: Callable[[], Iterable[Gauge]] = nothing_monitored,
) -> bytes:
    """The metrics as they are now. figures: asks the ledger. now: the loop's clock. monitored: looks at the learner."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Loop(watch, figures, now, monitored))
    return generate_latest(registry)


def _of_monitoring(gauges: Iterable[Gauge]) -> Iterable[Metric]:
    """What monitoring found, but for what the loop says of itself already."""
    families: dict[str, GaugeMetricFamily] = {}
    for gauge in gauges:
        if gauge.name in METRICS:
            continue
        if gauge.name not in families:
            families[gauge.name] = GaugeMetricFamily(gauge.name, GAUGES[gauge.name], labels=list(gauge.labels))
        families[gauge.name].add_metric(list(gauge.labels.values()), gauge.value)
    return families.values()


def _of_watch(watch: LoopWatch) -> Iterable[Metric]:
    seconds = SummaryMetricFamily("pawl_cycle_seconds", METRICS["pawl_cycle_seconds"], labels=["cycle"])
    late, last, running = (
        GaugeMetricFamily(name, METRICS[name], labels=["cycle"])
        for name in ("pawl_cycle_late_seconds", "pawl_cycle_last_run_timestamp_seconds", "pawl_cycle_running")
    )
    missed, errors, warnings = (
        CounterMetricFamily(name.removesuffix("_total"), METRICS[name], labels=["cycle"])
        for name in ("pawl_cycle_missed_total", "pawl_cycle_errors_total", "pawl_cycle_warnings_total")
    )
    skipped = CounterMetricFamily("pawl_skipped", METRICS["pawl_skipped_total"], labels=["why"])
    states = watch.states()
    for name, state in states.items():
        seconds.add_metric([name], count_value=state.n_runs, sum_value=state.total_sec)
        late.add_metric([name], state.late_sec)
        running.add_metric([name], float(state.is_running))
        missed.add_metric([name], state.n_missed)
        errors.add_metric([name], state.n_errors)
        warnings.add_metric([name], state.n_warnings)
        if state.last_at is not None:
            last.add_metric([name], state.last_at.timestamp())
    for why in SKIPPED:
        skipped.add_metric([why], sum(state.told[why] for state in states.values()))
    return (seconds, late, last, running, missed, errors, warnings, skipped)


def _of_ledger(figures: LoopFigures, now: datetime) -> Iterable[Metric]:
    decisions = GaugeMetricFamily("pawl_decisions", METRICS["pawl_decisions"], labels=["version", "action"])
    for (version, action), n in sorted(figures.decisions.items()):
        decisions.add_metric([version, action], n)
    trainings = GaugeMetricFamily("pawl_training_jobs", METRICS["pawl_training_jobs"], labels=["status"])
    for status, n in figures.trainings.items():
        trainings.add_metric([status], n)
    learnt = CounterMetricFamily("pawl_trainings", METRICS["pawl_trainings_total"], labels=["kind", "what"])
    for name, n in figures.learnt.items():
        learnt.add_metric(name.split("_"), n)
    yield decisions
    yield trainings
    yield learnt
    yield _gauge("pawl_pending_outcomes", float(figures.pending))
    yield _gauge("pawl_outbox_backlog", float(figures.backlog))
    if figures.hold_share is not None:
        yield _gauge("pawl_hold_share", figures.hold_share)
    if figures.newest_close is not None:
        yield _gauge("pawl_newest_bar_age_seconds", (now - figures.newest_close).total_seconds())


def _gauge(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, METRICS[name], value=value)
