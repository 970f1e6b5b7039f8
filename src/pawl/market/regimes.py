"""The states a simulated market moves through: how each drifts, how wild it is, how long it stays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["REGIMES", "Regime", "regime_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One state of the market.

    drift: a day's log move, daily sigmas. volatility: factor on the usual. days: mean length of a stay.
    trend: sign and size of momentum while it lasts; below 0 moves tend to come back.
    then: the states that follow, with their probabilities.
    """

    name: str
    drift: float
    volatility: float
    days: float
    trend: float
    then: dict[str, float]


# Daily drifts of ±0.05 sigmas are a year's trend of about one yearly sigma; crashes are short, wild and followed by a
# rebound more often than not, as in crypto since 2017.
REGIMES = (
    Regime(
        name="bull", drift=0.05, volatility=0.85, days=60, trend=1, then={"range": 0.55, "bear": 0.25, "crash": 0.2}
    ),
    Regime(
        name="bear", drift=-0.05, volatility=1.1, days=45, trend=1, then={"range": 0.45, "recovery": 0.35, "crash": 0.2}
    ),
    Regime(name="range", drift=0.0, volatility=0.7, days=50, trend=-1, then={"bull": 0.55, "bear": 0.4, "crash": 0.05}),
    Regime(name="crash", drift=-0.45, volatility=2.2, days=6, trend=0, then={"recovery": 0.7, "bear": 0.3}),
    Regime(name="recovery", drift=0.12, volatility=1.4, days=15, trend=0.5, then={"bull": 0.6, "range": 0.4}),
)


def regime_path(uniforms: NDArray[np.float64], bars_per_day: float) -> NDArray[np.int64]:
    """The state of every bar, as an index into REGIMES; it starts in `range`.

    uniforms: (n, 2) in [0, 1): whether the state ends with the bar, and which follows. The first k states depend on
    the first k rows alone.
    """
    names = [regime.name for regime in REGIMES]
    limits = [np.cumsum([regime.then.get(name, 0.0) for name in names]) for regime in REGIMES]
    leave = [1.0 / max(1.0, regime.days * bars_per_day) for regime in REGIMES]
    path = np.empty(len(uniforms), dtype=np.int64)
    state = names.index("range")
    for bar, (ends, which) in enumerate(uniforms):
        path[bar] = state
        if ends < leave[state]:
            state = int(np.searchsorted(limits[state], which, side="right"))
    return path
