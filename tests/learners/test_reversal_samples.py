"""Which windows a full training fits, watches and reports on (REV-R22)."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from pawl.errors import TooLittleDataError
from pawl.learners.reversal_config import ReversalConfig
from pawl.learners.reversal_samples import BAR, ReversalSamples, Windowed, windowed
from reversal_market import fx_bars, small_reversal

CONFIG = ReversalConfig()


@pytest.fixture(scope="module")
def data() -> Windowed:
    bars = fx_bars(480 * 6)
    return windowed(bars, small_reversal().label(bars), 20)


@pytest.fixture(scope="module")
def samples(data: Windowed) -> ReversalSamples:
    return ReversalSamples.of(data, CONFIG)


def test_rev_r22_the_cuts_are_at_70_and_85_percent_of_the_instants_across_all_pairs_at_once(
    data: Windowed, samples: ReversalSamples
) -> None:
    t0 = data.frame["t0"]
    instants = t0.gather(np.flatnonzero(data.is_sample)).unique().sort()
    n = len(instants)
    first, second = instants[int(0.7 * n)], instants[int(0.85 * n)]
    assert t0.gather(samples.valid).min() == first
    assert t0.gather(samples.test).min() == second == samples.scored_from
    assert t0.gather(samples.train).max() < first
    assert t0.gather(samples.valid).max() < second
    for part in (samples.train, samples.valid, samples.test):
        assert set(data.frame["ticker"].gather(part)) == {"EURUSD", "USDJPY"}


def test_rev_r22_at_least_36_bars_are_purged_at_both_cuts(data: Windowed, samples: ReversalSamples) -> None:
    t0, t1 = data.frame["t0"], data.frame["t1"]
    bars = data.frame["available_at"].unique().sort()
    for older, newer in ((samples.train, samples.valid), (samples.valid, samples.test)):
        begins = t0.gather(newer).min()
        free = bars.is_between(t1.gather(older).max(), begins, closed="none").sum()
        assert free >= 20, "between what was known and what is asked"
        asked = bars.is_between(t0.gather(older).max(), begins, closed="none").sum()
        assert asked >= 36, "between the bars themselves: the label's 16 and 20 more"


def test_rev_r22_only_the_newest_three_months_are_read(data: Windowed) -> None:
    bars = fx_bars(480 * 16)
    longer = ReversalSamples.of(windowed(bars, small_reversal().label(bars), 20), CONFIG)
    newest = bars["available_at"].max()
    first = longer.data.frame["t0"].gather(longer.train).min()
    assert timedelta(days=87) < newest - first < timedelta(days=93)
    one = ReversalSamples.of(windowed(bars, small_reversal().label(bars), 20), replace_months(1))
    assert one.data.frame["t0"].gather(one.train).min() > newest - timedelta(days=32)


def replace_months(months: int) -> ReversalConfig:
    return CONFIG.model_copy(update={"months": months})


def test_a_report_that_must_begin_at_an_instant_does_and_the_rest_keeps_its_proportion(data: Windowed) -> None:
    newest = data.frame["available_at"].max()
    begins = newest - timedelta(days=7)
    cut = ReversalSamples.of(data, CONFIG, report_from=begins)
    t0 = data.frame["t0"]
    assert cut.scored_from >= begins > t0.gather(cut.valid).max()
    n_fitted, n_watched = (t0.gather(part).n_unique() for part in (cut.train, cut.valid))
    assert n_fitted / (n_fitted + n_watched) == pytest.approx(0.7 / 0.85, abs=0.02)


def test_rev_r13_every_sample_ends_a_window_of_one_pair_without_a_gap(data: Windowed) -> None:
    ticker, ts = data.frame["ticker"].to_list(), data.frame["ts"].to_list()
    for end in np.flatnonzero(data.is_sample)[::37]:
        assert len(set(ticker[end - 19 : end + 1])) == 1
        assert ts[end] - ts[end - 19] == 19 * BAR
        assert data.frame["window_start"][int(end)] == ts[end - 19]


def test_rev_r13_windows_are_built_before_labels_are_asked_for(data: Windowed) -> None:
    """Leaving every second label out leaves out every second sample, and joins nothing."""
    bars = fx_bars(480 * 2)
    labels = small_reversal().label(bars)
    every_second = labels.with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col(name)).alias(name) for name in ("signal_id", "t1")
    )
    whole, thinned = windowed(bars, labels, 20), windowed(bars, every_second, 20)
    assert thinned.sequences.ends.tolist() == whole.sequences.ends.tolist()
    assert np.flatnonzero(thinned.is_sample).tolist() == [
        row for row in np.flatnonzero(whole.is_sample) if row % 2 == 0
    ]


def test_too_short_a_history_is_refused(data: Windowed) -> None:
    bars = fx_bars(20)
    with pytest.raises(TooLittleDataError):
        ReversalSamples.of(windowed(bars, small_reversal().label(bars), 20), CONFIG)
    short = fx_bars(200)
    with pytest.raises(TooLittleDataError):
        ReversalSamples.of(windowed(short, small_reversal().label(short), 20), CONFIG)
    none = replace(data, class_ids=np.full(data.frame.height, -1))
    with pytest.raises(TooLittleDataError):
        ReversalSamples.of(none, CONFIG)
