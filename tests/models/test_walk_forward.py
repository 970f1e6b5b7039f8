"""Walk-forward: the models are those of a plain loop, to the byte, for any number of workers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from pawl.evaluation.splits import Split, WalkForward, walk_forward
from pawl.models.walk_forward import fit_walk_forward

PARAMETERS = {"objective": "binary", "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}


Fit = Callable[[np.ndarray, np.ndarray], str]


@pytest.fixture
def fit() -> Fit:
    # Inside a function, so that it reaches a worker by value: a worker cannot import this file.
    def trees(x: np.ndarray, y: np.ndarray) -> str:
        text: str = lgb.train({**PARAMETERS, "seed": 3}, lgb.Dataset(x, y), 20).model_to_string()
        return text

    return trees


@pytest.fixture(scope="module")
def hourly() -> tuple[np.ndarray, np.ndarray, list[Split]]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(24 * 70, 6))
    y = (x[:, 0] + rng.normal(size=len(x)) > 0).astype(np.float64)
    t0 = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(len(x))])
    plan = WalkForward(window=timedelta(days=30), step=timedelta(days=7))
    return x, y, list(walk_forward(t0, t0 + timedelta(hours=24), plan))


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_models_are_those_of_a_plain_loop_to_the_byte(
    hourly: tuple[np.ndarray, np.ndarray, list[Split]], n_jobs: int | None, fit: Fit
) -> None:
    x, y, splits = hourly
    plain = [fit(x[split.train], y[split.train]) for split in splits]
    assert len(set(plain)) == len(splits) == 6
    assert fit_walk_forward(x, y, splits, fit, n_jobs) == plain


def test_a_window_is_fitted_on_its_train_rows_and_no_other(
    hourly: tuple[np.ndarray, np.ndarray, list[Split]], fit: Fit
) -> None:
    x, y, splits = hourly
    spoilt = np.full_like(x, np.nan)
    spoilt[splits[2].train] = x[splits[2].train]
    assert fit_walk_forward(spoilt, y, splits[2:3], fit) == fit_walk_forward(x, y, splits, fit)[2:3]


def test_no_windows_give_no_models(fit: Fit) -> None:
    assert fit_walk_forward(np.zeros((3, 1)), np.zeros(3), [], fit) == []
