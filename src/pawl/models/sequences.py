"""Windows of consecutive rows, for networks that read the last days in order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pawl.errors import SchemaError

__all__ = ["Sequences", "build_sequences"]

Floats32 = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sequences:
    """A feature matrix and the rows at which a whole window ends.

    values: (n_rows, n_features). ends: (n_windows,) the last row of each window, rising.
    """

    values: Floats32
    ends: Rows
    seq_len: int

    @property
    def windows(self) -> Floats32:
        """Every stretch of `seq_len` rows, (n_rows - seq_len + 1, seq_len, n_features): a read-only view, no copy.

        The window that ends at row `e` is `windows[e - seq_len + 1]`; those that cross a ticker or a gap are in the
        view too, and not in `ends`.
        """
        n_rows, n_features = self.values.shape
        if n_rows < self.seq_len:
            return np.empty((0, self.seq_len, n_features), np.float32)
        return np.lib.stride_tricks.sliding_window_view(self.values, (self.seq_len, n_features))[:, 0]

    def rows_inside(self, ends: Rows) -> npt.NDArray[np.bool_]:
        """Which rows lie inside a window that ends at one of these rows: (n_rows,) bool."""
        edges = np.zeros(len(self.values) + 1, dtype=np.int64)
        np.add.at(edges, ends - self.seq_len + 1, 1)
        np.add.at(edges, ends + 1, -1)
        return np.cumsum(edges[:-1]) > 0

    def gather(self, ends: Rows) -> Floats32:
        """The windows that end at these rows, (len(ends), seq_len, n_features), copied: for one batch at a time."""
        # In memory day by day, all windows' first days first: so an LSTM reads them, and need not turn them around.
        rows_by_day = ends + np.arange(1 - self.seq_len, 1)[:, None]
        return self.values.take(rows_by_day, axis=0).swapaxes(0, 1)


def build_sequences(
    values: Floats32,
    ticker_ids: npt.NDArray[np.integer],
    session: npt.NDArray[np.int64],
    is_complete: npt.NDArray[np.bool_],
    seq_len: int = 20,
) -> Sequences:
    """Find the windows of one ticker, consecutive on the calendar, without a missing value.

    values: (n_rows, n_features), C-contiguous, ordered by ticker and time. ticker_ids: (n_rows,), not falling.
    session: (n_rows,) number of the session on the ticker's calendar; consecutive means a difference of exactly 1.
    is_complete: (n_rows,) whether the row has every feature. SchemaError when the shapes or the order do not fit.

    >>> values = np.zeros((5, 2), np.float32)
    >>> session = np.array([7, 8, 9, 11, 12])  # session 10 is missing
    >>> build_sequences(values, np.zeros(5, int), session, np.ones(5, bool), seq_len=2).ends.tolist()
    [1, 2, 4]
    """
    n_rows = len(values)
    if not (len(ticker_ids) == len(session) == len(is_complete) == n_rows):
        raise SchemaError(
            f"{n_rows} rows of values, {len(ticker_ids)} tickers, {len(session)} sessions, {len(is_complete)} flags",
            where="build_sequences",
            fix="hand in one of each a row",
        )
    if values.dtype != np.float32 or not values.flags.c_contiguous:
        raise SchemaError(
            f"values are {values.dtype}, contiguous: {values.flags.c_contiguous}",
            where="build_sequences",
            fix="hand in np.ascontiguousarray(values, np.float32)",
        )
    if np.any(np.diff(ticker_ids) < 0):
        raise SchemaError("tickers are out of order", where="build_sequences", fix="sort by ticker and time")
    is_joined = np.zeros(n_rows, bool)
    is_joined[1:] = (np.diff(ticker_ids) == 0) & (np.diff(session) == 1) & is_complete[:-1] & is_complete[1:]
    # A run is a longest stretch of joined rows (an incomplete row is one by itself); its first rows end no window.
    starts = np.flatnonzero(~is_joined)
    stops = np.append(starts[1:], n_rows)
    is_end = np.ones(n_rows, bool)
    for offset in range(seq_len - 1):
        early = starts + offset
        is_end[early[early < stops]] = False
    ends = np.flatnonzero(is_end)
    return Sequences(values, ends, seq_len)
