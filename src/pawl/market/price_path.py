"""The kernel of the simulated market: from shocks to bars, one ticker at a time.

A bar's return is its regime's drift, a shared and an own shock with GARCH(1,1) volatility, and a *pull*: the part that
can be learnt. The pull reads only what past bars show, and is scaled by `strength`, bar by bar:
- after a capitulation (the close well below its 20-bar high) the bar on which volume regains its mean pulls the next
  five bars up;
- recent returns carry on in trending regimes and come back in ranging ones;
- pressure, which shows in the flow of coins to exchanges, weighs on the next bar.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["INTRABAR_STEPS", "Bars", "Shocks", "draw_bars", "fading", "garch"]

Floats = NDArray[np.float64]

INTRABAR_STEPS = 12
WINDOW = 20  # bars: the high that a capitulation is measured from, the mean that volume regains
REBOUND_BARS = 5
CAPITULATION = -0.5  # fall from the 20-bar high, in sigmas of 20 bars
DRY = 0.8  # volume below this share of its mean in the five bars before makes it a regain
TREND_SHARE = 0.2  # of the edge, per bar
PRESSURE_SHARE = 0.2
FORGET_PULL = 500.0  # bars


class Shocks(NamedTuple):
    """What happens to one ticker, bar by bar: (n,) each, intrabar (n, 12).

    sigma: a bar's usual log move times its regime's factor. shock: unit variance, GARCH volatility inside.
    """

    drift: Floats
    sigma: Floats
    trend: Floats
    shock: Floats
    pressure: Floats
    strength: Floats
    gap: Floats
    volume: Floats
    intrabar: Floats


class Bars(NamedTuple):
    """Log prices and volume relative to its usual level, (n,) each."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@njit(cache=True)
def garch(innovations: Floats, alpha: float, beta: float) -> Floats:
    """Shocks of unit long-run variance whose size clusters: x_t = √h_t z_t, h_t = 1-α-β + α x²_{t-1} + β h_{t-1}."""
    shocks = np.empty(len(innovations))
    variance = 1.0
    for bar in range(len(innovations)):
        shocks[bar] = np.sqrt(variance) * innovations[bar]
        variance = (1.0 - alpha - beta) + alpha * shocks[bar] ** 2 + beta * variance
    return shocks


@njit(cache=True)
def fading(innovations: Floats, keep: float) -> Floats:
    """A sum that forgets: x_t = keep · x_{t-1} + e_t."""
    sums = np.empty(len(innovations))
    last = 0.0
    for bar in range(len(innovations)):
        last = keep * last + innovations[bar]
        sums[bar] = last
    return sums


def draw_bars(shocks: Shocks) -> Bars:
    """Walk through the shocks. The first k bars depend on the first k shocks alone."""
    return Bars(*_walk(shocks))


@njit(cache=True)
def _walk(shocks: Shocks) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    n = len(shocks.shock)
    open_, high, low, close, volume = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    last, momentum, noise, usual_pull, rebound_left = 0.0, 0.0, 0.0, 0.0, 0
    for bar in range(n):
        size = shocks.sigma[bar]
        pull = TREND_SHARE * shocks.trend[bar] * np.tanh(momentum)
        if bar:
            pull -= PRESSURE_SHARE * shocks.pressure[bar - 1]
        if rebound_left:
            pull += 1.0 / np.sqrt(REBOUND_BARS)
            rebound_left -= 1
        # What lifts a market at times must not lift it for ever: the usual pull is taken off.
        usual_pull += (pull - usual_pull) / FORGET_PULL
        move = shocks.drift[bar] + size * (shocks.shock[bar] + shocks.strength[bar] * (pull - usual_pull))

        open_[bar] = last + size * shocks.gap[bar]
        close[bar] = last + move
        spread = 0.85 * size * (1.0 + abs(shocks.shock[bar])) / np.sqrt(INTRABAR_STEPS)
        high[bar], low[bar] = _extremes(open_[bar], close[bar], spread, shocks.intrabar[bar])
        noise = 0.6 * noise + 0.3 * shocks.volume[bar]
        # Volume grows with the size of moves: about 0.5 correlation in daily crypto bars.
        volume[bar] = np.exp(noise + 0.35 * min(abs(shocks.shock[bar]), 4.0)) * size / shocks.sigma[0]

        momentum = 0.8 * momentum + 0.2 * move / size
        last = close[bar]
        if bar >= WINDOW and _has_capitulated(close, bar, size) and _has_regained(volume, bar):
            rebound_left = REBOUND_BARS
    return open_, high, low, close, volume


@njit(cache=True)
def _extremes(start: float, end: float, spread: float, steps: Floats) -> tuple[float, float]:
    """The highest and lowest point of a bridge from open to close."""
    n = len(steps)
    total = steps.sum()
    highest, lowest, walked = max(start, end), min(start, end), 0.0
    for step in range(n - 1):
        walked += steps[step]
        share = (step + 1) / n
        point = start + share * (end - start) + spread * (walked - share * total)
        highest, lowest = max(highest, point), min(lowest, point)
    return highest, lowest


@njit(cache=True)
def _has_capitulated(close: Floats, bar: int, size: float) -> bool:
    fall = close[bar] - close[bar - WINDOW + 1 : bar + 1].max()
    return bool(fall <= CAPITULATION * size * np.sqrt(WINDOW))


@njit(cache=True)
def _has_regained(volume: Floats, bar: int) -> bool:
    mean = volume[bar - WINDOW + 1 : bar + 1].mean()
    mean_before = volume[bar - WINDOW : bar].mean()
    was_dry = volume[bar - REBOUND_BARS : bar].min() < DRY * mean
    return bool(volume[bar] >= mean and volume[bar - 1] < mean_before and was_dry)
