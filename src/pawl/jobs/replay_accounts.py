"""The accounts of a replay: what the decisions of each policy have come to so far."""

from collections.abc import Mapping

import polars as pl

from pawl.evaluation.backtest import Backtest, backtest
from pawl.jobs.replay import Played
from pawl.jobs.replay_plan import ReplayOrder

__all__ = ["Accounts"]

_TRADED = ("ticker", "ts", "available_at", "action", "position_size")
_JUDGED = ("probability",)


class Accounts:
    """One account a policy, grown step by step. It keeps what is traded and judged of each decision, and no more.

    bars: silver bars up to the replay's end.
    """

    def __init__(self, order: ReplayOrder, bars: pl.DataFrame) -> None:
        self.order = order
        self.bars = bars.filter((pl.col("ts") >= order.start) & (pl.col("available_at") <= order.end))
        self._decided: dict[str, list[pl.DataFrame]] = {policy: [] for policy in order.policies}

    def take(self, played: Played) -> Mapping[str, Backtest]:
        """Add what was decided in a step; each policy's backtest from the start to the step's end.

        At its last bar a backtest closes what it holds, and pays for it: figures on the way, not yet the log's rows.
        """
        some = next(iter(played.answers.values())).decisions.select(*_TRADED, *_JUDGED)
        for policy, decided in self._decided.items():
            version = played.serving.get(policy)
            frame = some.clear() if version is None else played.answers[version].decisions.select(*_TRADED, *_JUDGED)
            decided.append(frame)
        bars = self.bars.filter(pl.col("available_at") <= played.step.end)
        return {policy: backtest(bars, self.decisions(policy), self.order.costs) for policy in self._decided}

    def decisions(self, policy: str) -> pl.DataFrame:
        """What a policy has decided so far, by ticker and time."""
        return pl.concat(self._decided[policy]).sort("ticker", "ts")
