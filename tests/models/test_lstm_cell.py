"""The compiled step against the textbook formula in float64."""

import numpy as np
import pytest

from pawl.models.lstm_cell import lstm_step


def _step(inputs: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_hidden, n_windows = cell.shape
    new_cell, hidden = cell.astype(np.float32), np.empty((n_hidden, n_windows), np.float32)
    lstm_step(inputs.astype(np.float32), 1, np.zeros((4 * n_hidden, n_windows), np.float32), new_cell, hidden)
    return new_cell, hidden


def _textbook(inputs: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gates = inputs.astype(np.float32).astype(np.float64)[:, 1 : 1 + cell.shape[1]]
    with np.errstate(over="ignore"):
        input_gate, forget, _, output = (1 / (1 + np.exp(-part)) for part in np.split(gates, 4))
    new_cell = forget * cell.astype(np.float32).astype(np.float64) + input_gate * np.tanh(np.split(gates, 4)[2])
    return new_cell, output * np.tanh(new_cell)


@pytest.mark.parametrize("spread", [0.01, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("n_windows", [1, 7, 256])
def test_a_step_is_that_of_the_textbook(rng: np.random.Generator, spread: float, n_windows: int) -> None:
    inputs, cell = rng.normal(0, spread, (4 * 8, n_windows + 3)), rng.normal(0, 2, (8, n_windows))
    for found, expected in zip(_step(inputs, cell), _textbook(inputs, cell), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=5e-7)


def test_the_hidden_projection_is_added_to_the_rows_projection(rng: np.random.Generator) -> None:
    inputs, recurrent = rng.normal(size=(2, 4 * 8, 5)).astype(np.float32)
    cell, summed_cell, hidden, summed_hidden = np.zeros((4, 8, 5), np.float32)
    lstm_step(inputs, 0, recurrent, cell, hidden)
    lstm_step(inputs + recurrent, 0, np.zeros_like(recurrent), summed_cell, summed_hidden)
    np.testing.assert_array_equal(cell, summed_cell)
    np.testing.assert_array_equal(hidden, summed_hidden)


def test_nan_stays_in_its_own_window() -> None:
    inputs = np.zeros((4, 9))
    inputs[:, 4] = np.nan
    cell, hidden = _step(inputs, np.zeros((1, 8)))
    assert np.flatnonzero(np.isnan(cell[0])).tolist() == [3]
    assert np.flatnonzero(np.isnan(hidden[0])).tolist() == [3]
