"""What every head refuses to be fitted on, and to be asked."""

import numpy as np
import polars as pl
import pytest

from pawl.errors import SchemaError, TooLittleDataError
from pawl.models.head import feature_matrix, training_matrix

TARGETS = np.array([[1.0, -1.0], [2.0, -2.0], [0.5, 0.0]])
IS_REBOUND = np.array([True, False, True])


def test_columns_come_in_the_order_of_the_features_as_numbers() -> None:
    frame = pl.DataFrame({"b": [True, None], "other": ["x", "y"], "a": [1, 2]})
    np.testing.assert_array_equal(feature_matrix(frame, ("a", "b")), [[1.0, 1.0], [2.0, np.nan]])


def test_m002_r41_a_missing_feature_column_is_named() -> None:
    with pytest.raises(SchemaError, match="`curv_2`, `rsi_14`"):
        feature_matrix(pl.DataFrame({"a": [1]}), ("a", "curv_2", "rsi_14"))


@pytest.mark.parametrize("wrong", [None, float("nan"), float("inf"), float("-inf")])
def test_m002_r26_a_feature_that_is_not_finite_is_named(wrong: float | None) -> None:
    with pytest.raises(SchemaError, match="in `b`"):
        training_matrix(pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, wrong, 3.0]}), IS_REBOUND, TARGETS)


@pytest.mark.parametrize(("column", "name"), [(0, "fut_ret_pct"), (1, "fut_dd_pct")])
def test_m002_r26_a_target_that_is_not_finite_is_named(column: int, name: str) -> None:
    targets = TARGETS.copy()
    targets[1, column] = np.nan
    with pytest.raises(SchemaError, match=f"in `{name}`"):
        training_matrix(pl.DataFrame({"a": [1.0, 2.0, 3.0]}), IS_REBOUND, targets)


def test_targets_of_another_length_are_refused() -> None:
    with pytest.raises(SchemaError, match="2 rows of features"):
        training_matrix(pl.DataFrame({"a": [1.0, 2.0]}), IS_REBOUND, TARGETS)


@pytest.mark.parametrize("value", [True, False])
def test_rows_of_one_class_are_too_little(value: bool) -> None:
    with pytest.raises(TooLittleDataError, match="3 rows, all of one class"):
        training_matrix(pl.DataFrame({"a": [1.0, 2.0, 3.0]}), np.full(3, value), TARGETS)
