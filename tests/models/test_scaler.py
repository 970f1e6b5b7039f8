"""Standardising: on the rows handed in, exactly stored."""

import json

import numpy as np
import pytest

from pawl.errors import CorruptArtifactError, SchemaError, TooLittleDataError
from pawl.models.scaler import Standardiser


def test_mean_and_scale_are_those_of_the_known_values(rng: np.random.Generator) -> None:
    rows = rng.normal(3, 5, (500, 4)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[7, 2] = np.inf
    fitted = Standardiser.fit(rows)
    known = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    np.testing.assert_allclose(fitted.mean, np.nanmean(known, axis=0), rtol=1e-12)
    np.testing.assert_allclose(fitted.scale, np.nanstd(known, axis=0), rtol=1e-12)


def test_training_rows_become_mean_0_and_scale_1_whatever_later_rows_hold(rng: np.random.Generator) -> None:
    values = rng.normal(3, 5, (400, 3))
    values[300:] *= 1000
    scaled = Standardiser.fit(values[:300]).transform(values)
    assert scaled.dtype == np.float32
    assert scaled.flags.c_contiguous
    np.testing.assert_allclose(scaled[:300].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[:300].std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_a_constant_column_becomes_0(constant: float) -> None:
    fitted = Standardiser.fit(np.full((1000, 1), constant))
    assert fitted.scale.tolist() == [1.0]
    np.testing.assert_allclose(fitted.transform(np.full((3, 1), constant)), 0, atol=1e-6)


def test_nan_stays_nan_when_scaled() -> None:
    scaled = Standardiser.fit(np.array([[1.0], [2.0]])).transform(np.array([[np.nan], [1.5]]))
    assert np.isnan(scaled[0, 0])
    assert scaled[1, 0] == 0


def test_m002_r42_json_brings_every_float_back(rng: np.random.Generator) -> None:
    fitted = Standardiser.fit(rng.normal(size=(50, 6)) * 10.0 ** rng.integers(-12, 12, 6))
    loaded = Standardiser.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert loaded.mean.tobytes() == fitted.mean.tobytes()
    assert loaded.scale.tobytes() == fitted.scale.tobytes()


def test_a_column_without_a_value_is_named() -> None:
    with pytest.raises(TooLittleDataError, match=r"columns \[1\]"):
        Standardiser.fit(np.array([[1.0, np.nan], [2.0, np.nan]]))


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(SchemaError, match="3"):
        Standardiser.fit(np.ones((2, 2))).transform(np.ones((2, 3)))


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"mean": [1.0]},
        {"mean": [1.0], "scale": [1.0, 2.0]},
        {"mean": ["a"], "scale": [1.0]},
        {"mean": [1.0], "scale": [0.0]},
        {"mean": [1.0], "scale": None},
    ],
)
def test_what_is_no_standardiser_is_refused(stored: dict[str, list[float]]) -> None:
    with pytest.raises(CorruptArtifactError):
        Standardiser.from_dict(stored)
