"""What the loop's events say to a person, and which of them say nothing."""

from collections.abc import Mapping
from pathlib import Path

from pawl.events.bus import Event, Handler
from pawl.events.notice import Notice
from pawl.events.notice_settings import NoticeKind
from pawl.events.notices import Notices
from pawl.ledger.loop_payloads import (
    Alert,
    AliasMoved,
    NewPrediction,
    ReportReady,
    TrainingCompleted,
    read_loop_payload,
)
from pawl.ledger.train_jobs import STOPPED

__all__ = ["NOTICED_TOPICS", "notice_of", "notifying"]


def notice_of(event: Event) -> Notice | None:
    """The notice of an event; None for a `hold`, and for what nobody needs to be told of."""
    said = read_loop_payload(event.topic, event.payload)
    if isinstance(said, NewPrediction) and said.signal != "hold":
        return _signal(event, said)
    if isinstance(said, TrainingCompleted) and said.error != STOPPED:
        return _training(event, said)
    if isinstance(said, Alert) and said.kind in ALERTED:
        return _alert(event, said)
    if isinstance(said, ReportReady):
        return _report(event, said)
    if isinstance(said, AliasMoved):
        return _moved(event, said)
    return None


def notifying(notices: Notices) -> Handler:
    """The handler of a group that tells people. It hands over and goes on: no event waits for Discord."""

    def handle(event: Event) -> None:
        notice = notice_of(event)
        if notice is not None:
            notices.notify(notice)

    return handle


NOTICED_TOPICS = (NewPrediction.topic, TrainingCompleted.topic, Alert.topic, ReportReady.topic, AliasMoved.topic)
"""What such a group subscribes to."""

ALERTED: Mapping[str, NoticeKind] = {
    "data_anomaly": "data_anomaly",
    "feature_drift": "data_anomaly",
    "performance_drop": "performance_drop",
    "hold_share": "performance_drop",
    "pause": "pause",
    "candidate_out": "rollback",
}
"""Alert → the kind of its notice. Of a training that failed `training_completed` tells already."""

FIGURES = ("f1_score", "precision", "recall", "win_rate", "total_trades", "total_pnl", "sharpe_ratio", "max_drawdown")
"""Of a training, in the order in which they are told, under the names and in the units of its report."""


def _signal(event: Event, said: NewPrediction) -> Notice:
    follow = "" if said.inference_id is None else f". To trade on it: inference_id {said.inference_id}"
    return Notice(
        kind="signal",
        key=str(event.event_id),
        at=event.at,
        title=f"{said.signal.upper()} {said.pair}",
        body=f"confidence {said.confidence:.0%}, {said.timeframe} bar of {said.bar_timestamp:%Y-%m-%d %H:%M} UTC, "
        f"{said.learner} {said.model_version}{follow}",
    )


def _training(event: Event, said: TrainingCompleted) -> Notice:
    is_done = said.status == "succeeded"
    what = f"{said.training_type} training of {said.learner}, job {said.train_job_id}"
    return Notice(
        kind="training_done" if is_done else "training_failed",
        key=str(event.event_id),
        at=event.at,
        title=f"{said.model_version} is trained" if is_done else f"The training of {said.model_version} failed",
        body=f"{what}{_figures(said)}"
        if is_done
        else f"{what}: {said.error or 'no reason was given'}. The champion goes on serving.",
    )


def _figures(said: TrainingCompleted) -> str:
    """What the training was worth, behind its name; nothing where nothing was measured."""
    told = [
        f"{name.replace('_', ' ')} {value:.4g}" for name in FIGURES if (value := said.figures.get(name)) is not None
    ]
    return f": {', '.join(told)}" if told else ""


def _alert(event: Event, said: Alert) -> Notice:
    what = said.kind.replace("_", " ")
    return Notice(
        kind=ALERTED[said.kind],
        key=str(event.event_id),
        at=event.at,
        title=f"{said.learner}: {what} is over" if said.is_over else f"{said.learner}: {what}",
        body=said.text,
    )


def _report(event: Event, said: ReportReady) -> Notice:
    return Notice(
        kind="monthly_report",
        key=str(event.event_id),
        at=event.at,
        title=f"{said.learner} in {said.month}",
        body=said.summary,
        # The page is several megabytes of drawing code; pictures and text are what a channel can show.
        attachments=tuple(Path(one) for one in (*said.charts, said.markdown) if Path(one).exists()),
    )


def _moved(event: Event, said: AliasMoved) -> Notice:
    is_promotion = said.act == "promote"
    return Notice(
        kind="promotion" if is_promotion else "rollback",
        key=str(event.event_id),
        at=event.at,
        title=f"{said.to_version} serves" if is_promotion else f"Back to {said.to_version}",
        body=f"by {said.by}, after {said.from_version or 'nothing'}: {said.reason}",
    )
