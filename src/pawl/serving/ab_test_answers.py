"""What the paths of A/B tests take, and what they answer."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pawl.gates.ab_test import AbCounts
from pawl.ledger.ab_tests import ArmFigures, StoredTest
from pawl.serving.bodies import no_control_characters

__all__ = ["AbReport", "AbStatus", "ArmReport", "StartBody", "arm_report", "report_of", "status_of"]

VERSION = r"^[a-z][a-z0-9_]*-[0-9]{1,6}\.[0-9]{1,6}(-daily-[0-9]{8})?$"
Version = Annotated[str, Field(strict=True, max_length=50, pattern=VERSION)]
State = Literal["running", "completed", "stopped"]
WinnerName = Literal["model_a", "model_b", "tie"]


class StartBody(BaseModel):
    """Which version is tested. model_a_version: what serves now, where one wants to be sure of it. traffic_split: share
    of the bars that model A decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_b_version: Version
    model_a_version: Version | None = None
    test_name: (
        Annotated[str, Field(strict=True, min_length=1, max_length=100), AfterValidator(no_control_characters)] | None
    ) = None
    traffic_split: Annotated[float, Field(strict=True, ge=0.05, le=0.95, allow_inf_nan=False)] = 0.5


class AbStatus(BaseModel):
    """State and counts. win_rate: wins over wins and losses. avg_pnl: mean net result of a signal, bps of notional.

    p_value, winner: said once, at the end; a stopped test has none.
    """

    id: UUID
    learner: str
    test_name: str
    status: State
    start_date: datetime
    end_date: datetime
    traffic_split: float
    model_a_version: str
    model_b_version: str
    model_a_predictions: int
    model_b_predictions: int
    model_a_win_rate: float | None
    model_b_win_rate: float | None
    model_a_avg_pnl: float | None
    model_b_avg_pnl: float | None
    p_value: float | None
    is_significant: bool
    winner: WinnerName | None


class ArmReport(BaseModel):
    """One arm. resolved: signals that ended as win or loss."""

    version: str
    predictions: int
    resolved: int
    wins: int
    win_rate: float | None
    avg_pnl: float | None


class AbReport(BaseModel):
    """Both arms side by side. rollout: where the candidate stands, and why."""

    id: UUID
    status: State
    start_date: datetime
    end_date: datetime
    model_a: ArmReport
    model_b: ArmReport
    p_value: float | None
    is_significant: bool
    winner: WinnerName | None
    min_resolved: int
    significance: float
    rollout: str | None
    reason: str


def status_of(stored: StoredTest, arms: tuple[ArmFigures, ArmFigures]) -> AbStatus:
    """The state of a test, with the counts of both arms."""
    a, b = arms
    return AbStatus(
        id=stored.test_id,
        learner=stored.learner,
        test_name=stored.name,
        status=stored.status,
        start_date=stored.test.started_at,
        end_date=stored.test.ends_at,
        traffic_split=stored.test.traffic_split,
        model_a_version=stored.test.model_a,
        model_b_version=stored.test.model_b,
        model_a_predictions=a.predictions,
        model_b_predictions=b.predictions,
        model_a_win_rate=a.win_rate,
        model_b_win_rate=b.win_rate,
        model_a_avg_pnl=a.avg_pnl,
        model_b_avg_pnl=b.avg_pnl,
        p_value=stored.p_value,
        is_significant=stored.is_significant,
        winner=stored.winner,
    )


def arm_report(version: str, figures: ArmFigures, counts: AbCounts) -> ArmReport:
    """One arm of a report."""
    return ArmReport(
        version=version,
        predictions=figures.predictions,
        resolved=counts.n_resolved,
        wins=counts.n_wins,
        win_rate=figures.win_rate,
        avg_pnl=figures.avg_pnl,
    )


def report_of(status: AbStatus, counts: tuple[AbCounts, AbCounts], arms: tuple[ArmFigures, ArmFigures],
              terms: tuple[int, float], rollout: tuple[str | None, str]) -> AbReport:  # fmt: skip
    """A report. terms: signals that an arm needs, and the p-value below which they differ. rollout: status and why."""
    return AbReport(
        id=status.id,
        status=status.status,
        start_date=status.start_date,
        end_date=status.end_date,
        model_a=arm_report(status.model_a_version, arms[0], counts[0]),
        model_b=arm_report(status.model_b_version, arms[1], counts[1]),
        p_value=status.p_value,
        is_significant=status.is_significant,
        winner=status.winner,
        min_resolved=terms[0],
        significance=terms[1],
        rollout=rollout[0],
        reason=rollout[1],
    )
