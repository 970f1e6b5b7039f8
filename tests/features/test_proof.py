"""The proof: it holds for what is honest, and catches seven ways to see the future."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pawl.errors import FutureLeakError, SchemaError, TooLittleDataError
from pawl.features import rolling
from pawl.features.feature import Feature, FeatureKind, FeatureSet
from pawl.features.findings import ProofTest
from pawl.features.proof import Proof, prove
from pawl.features.sets import FEATURE_SETS, compute

Walk = Callable[..., pl.DataFrame]
CLOSE = pl.col("close")


def own_set(expression: Callable[[], pl.Expr], lookback: int = 20, reads: tuple[str, ...] = ("close",)) -> FeatureSet:
    """A user's own set of one feature."""
    feature = Feature(name="own", expression=expression, inputs=reads, lookback=lookback, unit="-", meaning="-")
    return FeatureSet(name="mine", features=(feature,))


@pytest.fixture(scope="module")
def bars(walk: Walk) -> pl.DataFrame:
    """Three tickers of unequal length; `sparse` is known on every seventh bar only."""
    frame = pl.concat([walk(120, 1, "A"), walk(90, 2, "B"), walk(60, 3, "C")])
    is_known = pl.int_range(pl.len()).over("ticker") % 7 == 3
    return frame.with_columns(sparse=pl.when(is_known).then(CLOSE))


def _regression_on_everything() -> pl.Expr:
    """What the close should be, by a straight line through all closes of its ticker."""
    place = pl.int_range(pl.len()).over("ticker")
    slope = pl.cov(place, CLOSE).over("ticker") / place.var().over("ticker")
    return CLOSE - (CLOSE.mean().over("ticker") + slope * (place - place.mean().over("ticker")))


def _honest_until_march() -> pl.Expr:
    tomorrow, today = CLOSE.shift(-1).over("ticker"), CLOSE
    return pl.when(pl.col("ts") >= datetime(2020, 3, 1, tzinfo=UTC)).then(tomorrow).otherwise(today)


LEAKS: dict[str, FeatureSet] = {
    "a shift to the future": own_set(lambda: CLOSE.shift(-3).over("ticker")),
    "a zscore of the whole sample": own_set(lambda: ((CLOSE - CLOSE.mean()) / CLOSE.std()).over("ticker")),
    "a centred window": own_set(lambda: CLOSE.rolling_mean(5, center=True).over("ticker")),
    "a sparse column filled backwards": own_set(
        lambda: pl.col("sparse").backward_fill().over("ticker"), 7, ("sparse",)
    ),
    "a length of the frame": own_set(lambda: CLOSE * (pl.len().over("ticker") > 100), 120),
    "a regression on the whole frame": own_set(_regression_on_everything, 120),
    "a date from which on it leaks": own_set(_honest_until_march, 2, ("close", "ts")),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_caught(name: str, bars: pl.DataFrame) -> None:
    proof = prove(bars, LEAKS[name])

    assert proof.mismatches > 0
    assert proof.features[0].first is not None
    assert proof.features[0].first.test is ProofTest.CUT
    with pytest.raises(FutureLeakError, match=r"`own` changed on .* when history was cut"):
        proof.require_pass()


def test_a_leak_after_a_date_is_found_at_that_date(bars: pl.DataFrame) -> None:
    first = prove(bars, LEAKS["a date from which on it leaks"]).features[0].first
    close = bars.filter(pl.col("ticker") == "A").get_column("close")

    assert first is not None
    assert (first.ticker, first.ts) == ("A", datetime(2020, 3, 1, tzinfo=UTC))
    assert (first.was, first.became) == (close[61], None)


HONEST: dict[str, FeatureSet] = {
    "a window of Polars' own": own_set(lambda: CLOSE.rolling_max(20).over("ticker")),
    "a window with a hole in it": own_set(lambda: pl.col("sparse").forward_fill().over("ticker"), 7, ("sparse",)),
    "a rank among the bars so far": own_set(lambda: CLOSE.cum_max().over("ticker"), 120),
    "a word": own_set(lambda: pl.when(CLOSE > 100).then(pl.lit("dear")).otherwise(pl.lit("cheap")), 1),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_feature_of_a_user_passes(name: str, bars: pl.DataFrame) -> None:
    proof = prove(bars, HONEST[name])

    proof.require_pass()
    assert (proof.mismatches, proof.near_limit, proof.cells) == (0, 0, 270)


def test_a_look_back_declared_too_short_is_caught(bars: pl.DataFrame) -> None:
    proof = prove(bars, own_set(lambda: CLOSE.rolling_max(20).over("ticker"), lookback=19))

    first = proof.features[0].first
    assert first is not None and first.test is ProofTest.WINDOW
    with pytest.raises(FutureLeakError, match=r"only its look-back was left.*declare a longer look-back"):
        proof.require_pass()


def test_a_leak_into_one_single_cell_is_caught(bars: pl.DataFrame) -> None:
    day = datetime(2020, 2, 7, tzinfo=UTC)
    is_there = (pl.col("ticker") == "B") & (pl.col("ts") == day)
    proof = prove(bars, own_set(lambda: pl.when(is_there).then(CLOSE.shift(-1)).otherwise(CLOSE), 1, ("close", "ts")))
    first = proof.features[0].first

    # The window test names tickers anew, so that there the leak is asleep: what it read is missed, never invented.
    assert proof.mismatches == 1
    assert first is not None and (first.ticker, first.ts, first.test) == ("B", day, ProofTest.CUT)


def test_every_m002_feature_is_proved_on_every_bar(walk: Walk) -> None:
    bars = pl.concat([walk(420, 11, "A"), walk(30, 12, "B"), walk(1, 13, "C")])
    seen: list[float] = []
    proof = prove(bars, FEATURE_SETS["m002"], on_progress=seen.append)

    proof.require_pass()
    assert (proof.mismatches, proof.cells, len(proof.features)) == (0, 451 * 37, 37)
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_every_m002_feature_is_proved_on_real_bars_in_two_processes(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "bars" / "crypto_1d.parquet")
    bars = bars.filter(pl.col("ticker").is_in(["BTCUSDT", "DOGEUSDT"])).group_by("ticker").tail(200)
    proof = prove(bars, FEATURE_SETS["m002"], n_jobs=2)

    proof.require_pass()
    assert proof.cells == 400 * 37


def test_an_indicator_beside_its_limit_is_counted_and_never_called_equal(walk: Walk) -> None:
    bars = walk(200, 4)
    slow = Feature(
        name="slow",
        expression=lambda: rolling.ema(CLOSE, 10),
        inputs=("close",),
        lookback=80,
        unit="price",
        meaning="-",
    )
    alone = FeatureSet(name="alone", features=(slow,))
    full, window = (compute(part, alone).get_column("slow") for part in (bars[:151], bars[71:151]))
    # On row 150 the mean stands on the one side of this limit, and that of the last 80 bars on the other.
    limit = (full[-1] + window[-1]) / 2
    is_high = Feature(
        name="is_high", expression=lambda: pl.col("slow") > limit, inputs=("slow",), input_rows=(1,), lookback=80,
        unit="-", meaning="-", kind=FeatureKind.INDICATOR, limits=(("slow", limit),),
    )  # fmt: skip
    count = Feature(
        name="n_high", expression=lambda: rolling.count(pl.col("is_high"), 3), inputs=("is_high",), input_rows=(3,),
        lookback=82, unit="count", meaning="-", kind=FeatureKind.COUNT,
    )  # fmt: skip
    both = {"beside": (slow, is_high, count), "undeclared": (slow, _without_limits(is_high), count)}
    proofs: dict[str, Proof] = {name: prove(bars, FeatureSet(name=name, features=set_)) for name, set_ in both.items()}

    found = {each.feature: (each.mismatches, each.near_limit) for each in proofs["beside"].features}
    assert found["slow"] == (0, 0)
    assert found["is_high"] == (0, 1)
    assert found["n_high"][0] == 0 and found["n_high"][1] in (1, 2, 3)
    proofs["beside"].require_pass()
    assert proofs["undeclared"].mismatches > 0 and proofs["undeclared"].near_limit == 0


def test_a_number_that_moves_more_than_its_tolerance_is_a_mismatch(walk: Walk) -> None:
    slow = own_set(lambda: rolling.ema(CLOSE, 10), lookback=40)
    enough = own_set(lambda: rolling.ema(CLOSE, 10), lookback=rolling.settled_rows(10, 2 / 11))

    assert prove(walk(150), slow).mismatches > 0
    assert prove(walk(150), enough).mismatches == 0


def test_a_column_read_without_being_declared_is_named(bars: pl.DataFrame) -> None:
    with pytest.raises(SchemaError, match=r"does not declare.*volume"):
        prove(bars, own_set(lambda: CLOSE * pl.col("volume")))


def test_no_bars_prove_nothing(bars: pl.DataFrame) -> None:
    with pytest.raises(TooLittleDataError, match="no bars"):
        prove(bars.clear(), FEATURE_SETS["v1"])


def test_the_order_of_the_bars_does_not_matter(bars: pl.DataFrame) -> None:
    shuffled = bars[np.random.default_rng(0).permutation(bars.height)]

    assert prove(shuffled, FEATURE_SETS["v1"]) == prove(bars, FEATURE_SETS["v1"])


def _without_limits(feature: Feature) -> Feature:
    return Feature(**{name: getattr(feature, name) for name in feature.__slots__} | {"limits": ()})
