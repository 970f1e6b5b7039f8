"""What a replay by the calendar came to: each policy's figures, every verdict, and the baselines beside them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

import numpy as np
import polars as pl

from pawl.evaluation.backtest import backtest
from pawl.evaluation.backtest_fields import backtest_fields
from pawl.evaluation.costs import Costs
from pawl.evaluation.signal_figures import signal_figures
from pawl.evaluation.trading import net_return
from pawl.jobs.cadence_market import decisions_of
from pawl.jobs.cadence_replay import CadenceRun
from pawl.labels.reversal import SIGNAL_CLASSES
from pawl.learners.reversal import Reversal
from pawl.registry.versions import VersionRecord

__all__ = ["cadence_result"]

_NUMBER = {name: place for place, name in enumerate(SIGNAL_CLASSES)}
_COMPARED = ("f1_score", "net_return", "net_bps_per_trade", "hold_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    learner: Reversal
    bars: pl.DataFrame
    costs: Costs


def cadence_result(
    learner: Reversal, run: CadenceRun, bars: pl.DataFrame, costs: Costs, records: Mapping[str, VersionRecord]
) -> dict[str, Any]:
    """As JSON. bars: silver bars of the replay, their history included. records: the versions, by name."""
    world = _Played(learner=learner, bars=bars, costs=costs)
    weekly = [told for key, told in run.told.items() if key.startswith(("weekly", "first"))]
    daily = [told for key, told in run.told.items() if key.startswith("daily")]
    return {
        "policies": {policy: _policy(world, said) for policy, said in run.said.items()},
        "weekly": _counts_weekly(weekly),
        "daily": _counts_daily(daily),
        "baselines": _baselines(weekly, records),
        "verdicts": [{"event": key, **told} for key, told in run.told.items()],
    }


def _policy(world: _Played, said: list[pl.DataFrame]) -> dict[str, Any]:
    frame = pl.concat(said).sort("ticker", "ts")
    first = frame["available_at"].min()
    traded = world.bars.filter(
        (pl.col("available_at") >= first) & (pl.col("available_at") <= frame["available_at"].max())
    )
    done = backtest(traded, decisions_of(world.learner, said, world.bars), world.costs)
    fields = backtest_fields(done)
    labels = world.learner.label(world.bars).select("ticker", "ts", "signal_id")
    judged = frame.join(labels, on=["ticker", "ts"], how="inner").drop_nulls(["signal", "signal_id"])
    told = judged["signal"].replace_strict(_NUMBER, return_dtype=pl.Int64).to_numpy()
    signals = asdict(signal_figures(np.asarray(judged["signal_id"].to_numpy(), np.int64), told, len(SIGNAL_CLASSES)))
    signals.pop("confusion")
    spoken = frame.drop_nulls("signal")
    return {
        "decisions": frame.height,
        "net_return": net_return(done.equity["net_return"].to_numpy()),
        **asdict(fields),
        **{name: _finite(value) for name, value in signals.items()},
        # Of every bar with a signal, those whose label is not known yet included.
        "hold_share": int((spoken["signal"] == "hold").sum()) / spoken.height if spoken.height else None,
        "versions": frame["version"].n_unique(),
    }


def _counts_weekly(told: list[Mapping[str, Any]]) -> dict[str, int]:
    decided = [one["decided"] for one in told if one.get("decided") is not None]
    return {
        "trained": len(told),
        "passed": sum(one.get("verdict") == "pass" for one in told),
        "failed": sum(one.get("verdict") == "fail" for one in told),
        "tests": len(decided),
        **{winner: sum(one["winner"] == winner for one in decided) for winner in ("model_a", "model_b", "tie")},
    }


def _counts_daily(told: list[Mapping[str, Any]]) -> dict[str, int]:
    return {
        "due": len(told),
        "skipped": sum("skipped" in one for one in told),
        "passed": sum(one.get("verdict") == "pass" for one in told),
        "failed": sum(one.get("verdict") == "fail" for one in told),
        "deployed": sum(bool(one.get("is_deployed")) for one in told),
        "kept": sum(one.get("kept") is not None for one in told),
    }


def _baselines(weekly: list[Mapping[str, Any]], records: Mapping[str, VersionRecord]) -> dict[str, dict[str, float]]:
    """Mean over the weekly versions of each figure of the reported block, of the network and of its baselines."""
    of = [records[one["version"]] for one in weekly if one.get("version") in records]
    names = ["reversal", *of[0].baselines] if of else []
    found: dict[str, dict[str, float]] = {}
    for name in names:
        each = [one.metrics if name == "reversal" else one.baselines[name] for one in of]
        measured = {metric: [value for one in each if (value := one.get(metric)) is not None] for metric in _COMPARED}
        found[name] = {metric: mean(values) for metric, values in measured.items() if values}
    return found


def _finite(value: Any) -> Any:  # noqa: ANN401 - a count or a share
    return None if isinstance(value, float) and not math.isfinite(value) else value
