"""A feed that falls silent, has holes, or brings rows that may not be used."""

import math
from datetime import datetime

from pawl.triggers.firing import Reading
from pawl.triggers.history import Feed, History
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["data_anomaly"]


def data_anomaly(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where one ticker lacks too many of the last day's bars, owes its newest ones, or brought unusable rows.

    Of each figure the worst ticker's is recorded.

    >>> from datetime import UTC
    >>> silent = Feed(ticker="EURUSD", n_expected=96, n_present=91, n_owed=5, n_refused=0)
    >>> data_anomaly(History(feeds=(silent,)), TriggerSettings(), datetime(2026, 1, 1, tzinfo=UTC)).reason
    'EURUSD: 5 % of a day missing, the newest 5 bars owed'
    """
    feeds = history.feeds or ()
    missing = max((one.missing_share for one in feeds if one.n_expected), default=math.nan)
    values = {
        "missing_share": missing,
        "owed_bars": float(max((one.n_owed for one in feeds), default=0)) if feeds else math.nan,
        "refused_share": max((_refused_share(one) for one in feeds), default=math.nan),
        "max_missing_share": settings.anomaly_missing,
        "max_owed_bars": float(settings.anomaly_owed_bars),
        "max_refused_share": settings.anomaly_refused,
    }
    if math.isnan(missing):
        return Reading(values=values, is_crossed=False, reason="no bars are expected")
    found = [f"{one.ticker}: {', '.join(what)}" for one in feeds if (what := _faults(one, settings))]
    return Reading(values=values, is_crossed=bool(found), reason="; ".join(found))


def _faults(feed: Feed, settings: TriggerSettings) -> list[str]:
    found = []
    if feed.missing_share > settings.anomaly_missing:
        found.append(f"{100 * feed.missing_share:.0f} % of a day missing")
    if feed.n_owed > settings.anomaly_owed_bars:
        found.append(f"the newest {feed.n_owed} bars owed")
    if _refused_share(feed) > settings.anomaly_refused:
        found.append(f"{feed.n_refused} rows of a day cannot be used")
    return found


def _refused_share(feed: Feed) -> float:
    n_rows = feed.n_present + feed.n_refused
    return feed.n_refused / n_rows if n_rows else 0.0
