"""One step of an LSTM for many windows at once, compiled: all but the matrix products."""

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["lstm_step"]

Floats32 = npt.NDArray[np.float32]

# float32 throughout: a Python float would lift the arithmetic to float64, at half the speed.
ONE, TWO = np.float32(1), np.float32(2)
LOG2_E = np.float32(np.log2(np.e))
# ln 2 in two parts: the first has trailing zeros, so that n · LN2_HIGH is exact (Cody and Waite, 1980).
LN2_HIGH = np.float32(0.693359375)
LN2_LOW = np.float32(np.log(2) - 0.693359375)
# Adding and taking away 1.5 · 2^23 leaves the nearest whole number.
ROUNDER = np.float32(1.5 * 2**23)
T2, T3, T4, T5, T6, T7 = (np.float32(1 / factorial) for factorial in (2, 6, 24, 120, 720, 5040))
# sigmoid and tanh are 0 or 1 to within float32 well before 25, and a product of three e^25 does not overflow.
LIMIT = np.float32(25)


@njit(cache=True, inline="always", error_model="numpy", fastmath={"contract"})
def _exp(x: np.float32) -> np.float32:
    """e^x for |x| ≤ 25, clipped there; relative error below 2e-7. NaN gives NaN.

    x = n · ln 2 + r with |r| ≤ ln 2 / 2, so e^x = 2^n · e^r, e^r by its Taylor series. The library's exp is a call for
    every number; this is arithmetic that the compiler turns into vector instructions.
    """
    x = LIMIT if x > LIMIT else x
    x = -LIMIT if x < -LIMIT else x
    n = (x * LOG2_E + ROUNDER) - ROUNDER
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    series = ((((((T7 * r + T6) * r + T5) * r + T4) * r + T3) * r + T2) * r + ONE) * r + ONE
    two_to_the_n = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return series * two_to_the_n


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def lstm_step(inputs: Floats32, step: int, recurrent: Floats32, cell: Floats32, hidden: Floats32) -> None:
    """Write the next `cell` and `hidden`, (n_hidden, n_windows), one window a column.

    inputs: (4 · n_hidden, n_rows) projection of every row, biases added; window `w` reads row `w + step`.
    recurrent: (4 · n_hidden, n_windows) projection of the hidden state before. Gates in torch's order: input, forget,
    candidate, output. With σ(x) = 1 / (1 + e^-x) and tanh(x) = (1 - e^-2x) / (1 + e^-2x),
    c' = σ(f) c + σ(i) tanh(g) and h' = σ(o) tanh(c') need one division each over a common denominator.
    """
    n_hidden, n_windows = cell.shape
    for unit in range(n_hidden):
        input_in, input_rec = inputs[unit, step : step + n_windows], recurrent[unit]
        forget_in, forget_rec = inputs[n_hidden + unit, step : step + n_windows], recurrent[n_hidden + unit]
        cand_in, cand_rec = inputs[2 * n_hidden + unit, step : step + n_windows], recurrent[2 * n_hidden + unit]
        output_in, output_rec = inputs[3 * n_hidden + unit, step : step + n_windows], recurrent[3 * n_hidden + unit]
        state, out = cell[unit], hidden[unit]
        # Two loops: over this many arrays at once the compiler gives up on vector instructions.
        for w in range(n_windows):
            forget = ONE + _exp(-(forget_in[w] + forget_rec[w]))
            candidate = _exp(-TWO * (cand_in[w] + cand_rec[w]))
            both = (ONE + _exp(-(input_in[w] + input_rec[w]))) * (ONE + candidate)
            state[w] = (state[w] * both + (ONE - candidate) * forget) / (forget * both)
        for w in range(n_windows):
            squashed = _exp(-TWO * state[w])
            out[w] = (ONE - squashed) / ((ONE + squashed) * (ONE + _exp(-(output_in[w] + output_rec[w]))))
