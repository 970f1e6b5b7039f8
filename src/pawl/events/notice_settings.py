"""Who is told what: which kinds of notices go to which channels, and where the channels lead."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pawl.ledger.backoff import Backoff

__all__ = ["DEFAULT_CHANNEL", "NOTICE_KINDS", "URLS_VARIABLE", "NoticeKind", "NoticeSettings", "notice_urls"]

URLS_VARIABLE = "PAWL_NOTICE_URLS"
DEFAULT_CHANNEL = "default"
REPORTS_CHANNEL = "ml_reports"

NoticeKind = Literal[
    "signal", "training_done", "training_failed", "promotion", "rollback", "data_anomaly", "performance_drop",
    "monthly_report", "pause",
]  # fmt: skip
NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)


class NoticeSettings(BaseModel):
    """Settings key `notices`.

    >>> settings = NoticeSettings(routes={"signal": ("traders", "default"), "pause": ()})
    >>> [settings.channels_of(kind) for kind in ("signal", "pause", "rollback", "monthly_report")]
    [('traders', 'default'), (), ('default',), ('ml_reports',)]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    routes: dict[NoticeKind, tuple[str, ...]] = Field(
        default_factory=dict,
        description="kind → channels it goes to; none silences it. What is not named goes to `default`, and "
        "monthly_report to `ml_reports`",
    )
    same_for_sec: float = Field(
        3600.0, ge=0, le=604_800, description="how long a notice is not repeated, seconds of the loop's clock"
    )
    per_minute: int = Field(20, ge=1, le=1000, description="notices that one address gets in a minute, count")
    queue_size: int = Field(
        200, ge=1, le=10_000, description="notices that wait for one address before others are lost"
    )
    timeout_sec: float = Field(10.0, gt=0, le=120, description="how long an address may be silent, seconds")
    max_attempts: int = Field(6, ge=1, le=100, description="tries before a notice is lost, count")
    backoff_base_sec: float = Field(
        5.0, gt=0, le=600, description="wait after the first failure, seconds; then doubled"
    )
    backoff_max_sec: float = Field(300.0, gt=0, le=3600, description="longest wait between tries, seconds")

    @property
    def backoff(self) -> Backoff:
        """When to try again."""
        return Backoff(max_attempts=self.max_attempts, base_sec=self.backoff_base_sec, max_sec=self.backoff_max_sec)

    def channels_of(self, kind: NoticeKind) -> tuple[str, ...]:
        """Where a kind goes."""
        usual = REPORTS_CHANNEL if kind == "monthly_report" else DEFAULT_CHANNEL
        return self.routes.get(kind, (usual,))


def notice_urls(environment: Mapping[str, str]) -> dict[str, tuple[SecretStr, ...]]:
    """Channel → its addresses: PAWL_NOTICE_URLS those of `default`, PAWL_NOTICE_URLS_ML_REPORTS those of `ml_reports`;
    several in one variable are parted by white space.

    >>> urls = notice_urls({"PAWL_NOTICE_URLS": "discord://1/a json://here", "PAWL_NOTICE_URLS_ML_REPORTS": "discord://2/b"})
    >>> {channel: len(found) for channel, found in urls.items()}
    {'default': 2, 'ml_reports': 1}
    """
    named = {
        name.removeprefix(URLS_VARIABLE).removeprefix("_").lower() or DEFAULT_CHANNEL: value.split()
        for name, value in environment.items()
        if name == URLS_VARIABLE or name.startswith(f"{URLS_VARIABLE}_")
    }
    return {channel: tuple(map(SecretStr, urls)) for channel, urls in sorted(named.items()) if urls}
