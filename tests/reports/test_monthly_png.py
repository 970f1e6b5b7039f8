"""The charts as PNG (REV-R37): real pictures, the same bytes again, and nothing of matplotlib's state changed."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from hashlib import sha256

import polars as pl

from pawl.reports.monthly_png import month_charts
from synthetic_month import synthetic_month

PRINT_HASHES = """
import sys; sys.path.insert(0, sys.argv[1])
from hashlib import sha256
from pawl.reports.monthly_png import month_charts
from synthetic_month import synthetic_month
charts = month_charts(synthetic_month())
print("matplotlib.pyplot" in sys.modules, {name: sha256(png).hexdigest() for name, png in charts.items()})
"""


def test_rev_r37_two_pictures_are_drawn() -> None:
    from io import BytesIO

    import numpy as np
    from PIL import Image

    charts = month_charts(synthetic_month())
    assert list(charts) == ["ranking", "signals"]
    for png in charts.values():
        picture = Image.open(BytesIO(png))
        assert picture.format == "PNG" and picture.size[0] == 1080 and picture.info.get("Software") is None
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50


def test_rev_r37_another_process_draws_the_same_bytes() -> None:
    from pathlib import Path

    charts = month_charts(synthetic_month())
    here = {name: sha256(png).hexdigest() for name, png in charts.items()}
    command = [sys.executable, "-c", PRINT_HASHES, str(Path(__file__).parents[1])]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == f"False {here}"


def test_nothing_of_matplotlibs_own_state_is_changed() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    month_charts(synthetic_month())
    assert dict(matplotlib.rcParams) == before


def test_a_month_without_figures_has_no_picture() -> None:
    data = synthetic_month()
    assert month_charts(replace(data, selected=None, days=data.days.clear())) == {}


def test_nothing_is_drawn_on_a_day_that_was_not_lived() -> None:
    """Whatever is said to have come of it."""
    data = synthetic_month()
    days = data.days.with_columns(is_lived=pl.col("is_lived") & (pl.col("day") < date(2026, 1, 15)))
    other = days.with_columns(pnl_bps=pl.when("is_lived").then("pnl_bps").otherwise(90.0))
    assert days.filter("is_lived").height == 10 and not days.equals(other)
    assert month_charts(replace(data, days=days)) == month_charts(replace(data, days=other))
