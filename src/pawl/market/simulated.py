"""A market that never was: regimes, fat tails, tickers that fall together, funding, open interest and coin flows.

Everything follows from the generator handed in. A series does not change when more bars or more tickers are asked for,
so a longer run continues a shorter one.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pawl.errors import InputError
from pawl.market.bars import BAR_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, FX, Calendar, open_times, stamp
from pawl.market.derivatives import FUNDING_SCHEMA, ONCHAIN_SCHEMA, OPEN_INTEREST_SCHEMA
from pawl.market.dirt import PLANTED_SCHEMA, Dirt, soil
from pawl.market.flows import simulate_funding, simulate_onchain, simulate_open_interest
from pawl.market.price_path import INTRABAR_STEPS, Shocks, draw_bars, fading, garch
from pawl.market.regimes import REGIMES, regime_path

__all__ = ["Change", "MarketSpec", "SimulatedMarket", "simulate"]

DAY = timedelta(days=1)
DEGREES_OF_FREEDOM = 4.0  # of Student's t: the tails of daily crypto returns
COMMON_SHARE = 0.8  # correlation of a ticker's shocks with the shared ones; two tickers correlate by its square
ALPHA, BETA = 0.08, 0.90
SIGNIFICANT_DIGITS = 7
CURRENCY_VOLATILITY = 0.15  # below it a market is one of currencies, whose prices stand near 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From the bar that opens at `at` on, the learnable part counts `strength` times: 1 as ever, 0 noise."""

    at: datetime
    strength: float  # -1 turns what was learnt before into its opposite


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSpec:
    """What to simulate.

    edge: how far the learnable part pulls, in sigmas: 0 gives pure noise, 0.4 a modest pull that a learner can find in
    some hundred events. changes: in order of time; before the first, the strength is 1.
    trend: how far recent moves carry on (above 0) or come back (below 0), as in `Regime`; a number holds in every
    regime, None leaves each its own.
    yearly_volatility: fraction; None takes what is usual on the calendar. dirt: faults to plant; None leaves it clean.
    """

    tickers: tuple[str, ...]
    start: datetime
    n_bars: int
    timeframe: Timeframe = field(default_factory=lambda: Timeframe.parse("1d"))
    calendar: Calendar = ALWAYS
    edge: float = 0.4
    changes: tuple[Change, ...] = ()
    trend: float | None = None
    yearly_volatility: float | None = None
    dirt: Dirt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMarket:
    """bars: BAR_SCHEMA, sorted by (ticker, ts). regimes: `ts`, `regime`. planted: the faults, PLANTED_SCHEMA.

    funding, open_interest, onchain: empty but on the calendar 24/7.
    """

    bars: pl.DataFrame
    funding: pl.DataFrame
    open_interest: pl.DataFrame
    onchain: pl.DataFrame
    regimes: pl.DataFrame
    planted: pl.DataFrame


def simulate(spec: MarketSpec, rng: np.random.Generator) -> SimulatedMarket:
    """Simulate a market. Takes one number from rng, which everything follows from.

    InputError for no tickers or no bars, or a calendar that has no such bars.

    >>> from datetime import UTC
    >>> spec = MarketSpec(tickers=("ONE",), start=datetime(2024, 1, 1, tzinfo=UTC), n_bars=3)
    >>> simulate(spec, np.random.Generator(np.random.PCG64(7))).bars.height
    3
    """
    if not spec.tickers or spec.n_bars < 1:
        raise InputError("a market of no tickers or no bars", where="MarketSpec", fix="ask for one at least")
    root = int(rng.integers(2**63))
    clock = _clock(spec)
    path = regime_path(_stream(root, "regimes").random((spec.n_bars, 2)), 1 / clock.days_per_bar)
    common = garch(_student(_stream(root, "common"), spec.n_bars), ALPHA, BETA)
    parts = []
    for ticker in sorted(set(spec.tickers)):
        shocks = _shocks(spec, clock, root, ticker, path, common)
        parts.append(_bars_of(ticker, shocks, clock, _stream(root, ticker, "level")))
    simulated = pl.concat(parts)
    funding, interest, onchain = _beside(simulated, spec, root)
    bars = simulated.select(BAR_SCHEMA.names())
    planted = pl.DataFrame(schema=PLANTED_SCHEMA)
    if spec.dirt is not None:
        bars, planted = soil(bars, spec.dirt, _stream(root, "dirt"))
    names = pl.Series([regime.name for regime in REGIMES])
    return SimulatedMarket(
        bars=bars,
        funding=funding,
        open_interest=interest,
        onchain=onchain,
        regimes=pl.DataFrame({"ts": clock.ts, "regime": names.gather(path)}),
        planted=planted,
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """ts: open times. is_reopening: after a pause of the calendar. sigma: a bar's usual log move."""

    ts: pl.Series
    available_at: pl.Series
    is_reopening: NDArray[np.bool_]
    days_per_bar: float
    sigma: float
    is_wild: bool


def _clock(spec: MarketSpec) -> _Clock:
    length = spec.timeframe.length
    if spec.calendar == ALWAYS:
        usual, bars_per_year = 0.75, timedelta(days=365.25) / length
    elif spec.calendar == FX:
        usual, bars_per_year = 0.08, 261.0 if length == DAY else 52.18 * (timedelta(hours=120) / length)
    else:
        usual, bars_per_year = 0.25, 252.0
    # Weekends and holidays leave at least 252 of 365 days.
    span = spec.n_bars * length * (1.0 if spec.calendar == ALWAYS else 1.6) + 15 * DAY
    ts = open_times(spec.calendar, spec.timeframe, spec.start, spec.start + span).head(spec.n_bars)
    if len(ts) < spec.n_bars:
        raise InputError(
            f"the calendar {spec.calendar} ends before {spec.n_bars} bars", where="MarketSpec", fix="ask for fewer"
        )
    stamped = stamp(ts.alias("ts").to_frame(), spec.calendar, spec.timeframe)
    steps = ts.diff().fill_null(length).to_numpy()
    volatility = spec.yearly_volatility or usual
    return _Clock(
        ts=ts,
        available_at=stamped["available_at"],
        is_reopening=steps > np.timedelta64(length),
        days_per_bar=365.25 / bars_per_year,
        sigma=volatility / np.sqrt(bars_per_year),
        is_wild=volatility > CURRENCY_VOLATILITY,
    )


def _shocks(
    spec: MarketSpec, clock: _Clock, root: int, ticker: str, path: NDArray[np.int64], common: NDArray[np.float64]
) -> Shocks:
    n = spec.n_bars
    character = _stream(root, ticker, "character")
    sigma = clock.sigma * character.uniform(0.8, 1.25) * np.array([regime.volatility for regime in REGIMES])[path]
    own = garch(_student(_stream(root, ticker, "own"), n), ALPHA, BETA)
    drift = np.array([regime.drift for regime in REGIMES])[path] * clock.sigma * np.sqrt(clock.days_per_bar)
    reopening = np.where(
        clock.is_reopening, 8.0, 1.0
    )  # a weekend of news lies between Friday's close and Sunday's open
    return Shocks(
        drift=drift,
        sigma=sigma,
        trend=np.array([regime.trend if spec.trend is None else spec.trend for regime in REGIMES])[path],
        shock=COMMON_SHARE * common + np.sqrt(1 - COMMON_SHARE**2) * own,
        pressure=fading(0.6 * _stream(root, ticker, "pressure").standard_normal(n), 0.8),  # of unit variance
        strength=spec.edge * _strength(spec, clock.ts),
        gap=0.03 * reopening * _stream(root, ticker, "gap").standard_normal(n),
        volume=_stream(root, ticker, "volume").standard_normal(n),
        intrabar=_stream(root, ticker, "intrabar").standard_normal((n, INTRABAR_STEPS)),
    )


def _bars_of(ticker: str, shocks: Shocks, clock: _Clock, level: np.random.Generator) -> pl.DataFrame:
    """BAR_SCHEMA, and what the series beside the bars are made from: `available_at`, `pressure`, `sigma`."""
    drawn = draw_bars(shocks)
    first_price = 10 ** level.uniform(0.0, 4.0) if clock.is_wild else level.uniform(0.6, 1.6)
    usual_volume = 10 ** level.uniform(4.0, 7.0)
    prices = {name: _rounded(first_price * np.exp(getattr(drawn, name))) for name in ("open", "high", "low", "close")}
    columns = {
        **prices,
        "volume": _rounded(usual_volume * drawn.volume),
        "pressure": shocks.pressure,
        "sigma": shocks.sigma,
    }
    return pl.DataFrame({"ts": clock.ts, **columns, "available_at": clock.available_at}).select(
        pl.lit(ticker).alias("ticker"), pl.all()
    )


def _beside(bars: pl.DataFrame, spec: MarketSpec, root: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Funding, open interest and on-chain flows, where the calendar is that of crypto."""
    empty = pl.DataFrame(schema=FUNDING_SCHEMA), pl.DataFrame(schema=OPEN_INTEREST_SCHEMA)
    if spec.calendar != ALWAYS:
        return *empty, pl.DataFrame(schema=ONCHAIN_SCHEMA)
    by_ticker = {str(ticker): rows for (ticker,), rows in bars.group_by("ticker", maintain_order=True)}
    return (
        pl.concat(simulate_funding(rows, _stream(root, name, "funding")) for name, rows in by_ticker.items()),
        pl.concat(simulate_open_interest(rows, _stream(root, name, "interest")) for name, rows in by_ticker.items()),
        pl.concat(simulate_onchain(rows, _stream(root, name, "chain")) for name, rows in by_ticker.items()),
    )


def _stream(root: int, *names: str) -> np.random.Generator:
    """A generator of its own for every purpose, so that no series shifts when another grows."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([root, int.from_bytes(digest[:8])])))


def _student(stream: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Student's t, scaled to unit variance."""
    drawn: NDArray[np.float64] = stream.standard_t(DEGREES_OF_FREEDOM, n)
    scaled: NDArray[np.float64] = drawn * np.sqrt((DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM)
    return scaled


def _strength(spec: MarketSpec, ts: pl.Series) -> NDArray[np.float64]:
    strength = np.ones(len(ts))
    for change in sorted(spec.changes, key=lambda change: change.at):
        strength[(ts >= change.at).to_numpy()] = change.strength
    return strength


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seven significant digits, as feeds give them; rounding keeps the order of open, high, low and close."""
    scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(values)))
    return np.asarray(np.round(values * scale) / scale, dtype=np.float64)
