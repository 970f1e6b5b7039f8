"""The data of a full training as CSV: windows with their label and the part they were in, nothing between the parts."""

import io
from datetime import timedelta

import polars as pl

from pawl.jobs.live.reversal_report import training_csv
from pawl.learners.reversal_samples import FEATURES
from reversal_market import fx_bars, small_reversal


def test_rev_r22_the_csv_has_the_parts_in_time_with_a_purge_between_them() -> None:
    frame = pl.read_csv(io.BytesIO(training_csv(small_reversal(), fx_bars(1500))), try_parse_dates=True)
    assert frame.columns == ["ticker", "ts", *FEATURES, "signal_id", "label_confidence", "t1", "part"]
    spans = {part[0]: (rows["ts"].min(), rows["ts"].max(), rows["t1"].max()) for part, rows in frame.group_by("part")}
    purge = timedelta(minutes=15) * 20
    assert spans["train"][2] + purge <= spans["validation"][0]
    assert spans["validation"][2] + purge <= spans["test"][0]
    shares = {part[0]: rows.height / frame.height for part, rows in frame.group_by("part")}
    assert 0.65 < shares["train"] < 0.75
    assert frame["signal_id"].is_between(0, 2).all()
    assert frame.select(FEATURES).null_count().sum_horizontal().item() == 0
