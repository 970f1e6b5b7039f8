"""When a daily update of `reversal` may replace what serves, and what a weekly version must show at all."""

from pawl.gates.condition import Absolute, Condition, Direction, Domain, Floor, Unit
from pawl.gates.gate import Gate

__all__ = ["daily_gate", "weekly_gate"]

SHARE = Domain(0.0, 1.0)
COUNT = Domain(low=0.0)


def daily_gate(min_rows: int) -> Gate:
    """Not worse than the current model in macro-F1 and in net return after costs, equality included, with at least one
    signal and one of them right. min_rows: unread rows that both were scored on, at least.

    Accuracy is no row: on labels that mostly say `hold`, a model that always does scores high.

    >>> [one.metric for one in daily_gate(100).requirements]
    ['f1_score', 'pnl_bps', 'n_signals', 'non_hold_recall']
    """
    return Gate("reversal daily", (*_not_worse(min_rows), *_has_signals(min_rows)))


def weekly_gate(min_rows: int) -> Gate:
    """What a weekly version must show on rows that it has not read before its A/B test may start: that it trades, that
    some signals are right, and that every figure of its report could be measured.

    >>> [one.metric for one in weekly_gate(100).requirements][-1]
    'max_drawdown'
    """
    measured = (
        Floor(metric="f1_score", above=0.0, min_sample=min_rows, domain=SHARE),
        Floor(metric="total_trades", above=0.0, min_sample=1, domain=COUNT),
        # Fractions ≥ 0: above −1 is true of any that was measured. What is null is not, and fails.
        Floor(metric="win_rate", above=-1.0, min_sample=1, unit=Unit.PERCENT, domain=SHARE),
        Floor(metric="sharpe_ratio", above=-1e9, min_sample=1),
        Floor(metric="max_drawdown", above=-1.0, min_sample=1, unit=Unit.PERCENT, domain=COUNT),
    )
    return Gate("reversal weekly", (*_has_signals(min_rows), *measured))


def _not_worse(min_rows: int) -> tuple[Condition, ...]:
    return (
        Condition(
            metric="f1_score", direction=Direction.HIGHER, tolerance=Absolute(), min_sample=min_rows, domain=SHARE
        ),
        Condition(
            metric="pnl_bps", direction=Direction.HIGHER, tolerance=Absolute(), min_sample=min_rows, unit=Unit.BPS
        ),
    )


def _has_signals(min_rows: int) -> tuple[Floor, ...]:
    return (
        Floor(metric="n_signals", above=0.0, min_sample=min_rows, domain=COUNT),
        Floor(metric="non_hold_recall", above=0.0, min_sample=min_rows, unit=Unit.PERCENT, domain=SHARE),
    )
