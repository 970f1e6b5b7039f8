"""How the workers work: how often they look, how much they take at once, when they give up, and what runs when."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from pawl.ledger.backoff import Backoff

__all__ = ["WorkerSettings", "schedule_name"]

KINDS = ("train", "dataset")


class WorkerSettings(BaseModel):
    """Settings key `workers`.

    >>> WorkerSettings(train_every_hours={"m002": 168}).schedules("train")
    {'m002': datetime.timedelta(days=7)}
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    poll_sec: float = Field(0.5, gt=0, le=3600, description="how often a worker looks for work, seconds")
    batch_size: int = Field(1000, ge=1, le=20_000, description="events that one delivery takes, count")
    concurrency: int = Field(2, ge=1, le=32, description="workflows of a kind that one process runs, count")
    max_attempts: int = Field(5, ge=1, le=100, description="tries before an item is parked as a dead letter, count")
    backoff_base_sec: float = Field(
        1.0, gt=0, le=3600, description="wait after the first failure, seconds; then doubled"
    )
    backoff_max_sec: float = Field(3600.0, gt=0, le=86_400, description="longest wait between tries, seconds")
    dead_after_sec: float = Field(
        60.0, ge=0.5, le=86_400, description="silence after which a process counts as dead, seconds"
    )
    grace_sec: float = Field(20.0, ge=0, le=3600, description="time that running work gets to end on SIGTERM, seconds")
    train_every_hours: dict[str, PositiveFloat] = Field(
        default_factory=dict, description="when learners are trained: learner → hours"
    )
    dataset_every_hours: dict[str, PositiveFloat] = Field(
        default_factory=dict, description="when dataset versions are built: type (pretrain, sft, orpo) → hours"
    )
    dataset_window_days: float = Field(
        90.0, gt=0, le=36_500, description="window of decisions of a scheduled dataset, days"
    )

    @property
    def backoff(self) -> Backoff:
        """When to try again."""
        return Backoff(max_attempts=self.max_attempts, base_sec=self.backoff_base_sec, max_sec=self.backoff_max_sec)

    def schedules(self, kind: str) -> dict[str, timedelta]:
        """What → how often, of the trainings (train) or the datasets (dataset)."""
        every = self.train_every_hours if kind == "train" else self.dataset_every_hours
        return {name: timedelta(hours=hours) for name, hours in every.items()}

    def named_schedules(self) -> dict[str, timedelta]:
        """Every schedule by the name under which its runs are recorded.

        >>> WorkerSettings(dataset_every_hours={"sft": 24}).named_schedules()
        {'dataset sft': datetime.timedelta(days=1)}
        """
        return {schedule_name(kind, what): every for kind in KINDS for what, every in self.schedules(kind).items()}


def schedule_name(kind: str, what: str) -> str:
    """The name in `schedule_runs`. kind: train or dataset. what: the learner, or the type."""
    return f"{kind} {what}"
