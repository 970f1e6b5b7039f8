"""What m002 is fitted on: features with their labels, and which rows each layer may read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.evaluation.splits import forward_folds, split_at, time_split
from pawl.features.gaps import fill_gaps
from pawl.features.sets import FEATURE_SETS, build_dataset, definition_hash
from pawl.labels.regime import assign_regime_labels
from pawl.market.fingerprint import hash_bars
from pawl.market.instants import earliest
from pawl.models.exact_json import to_exact_json
from pawl.models.regime_classifier import regime_sequences
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_layer import RegimeFold, RegimePlan
from pawl.models.sequences import Sequences

__all__ = ["Samples", "layer_key"]

Mask = npt.NDArray[np.bool_]


class SplitConfig(Protocol):
    """The part of the configuration that decides which rows are read for what."""

    @property
    def regime(self) -> RegimeConfig: ...
    @property
    def n_folds(self) -> int: ...
    @property
    def reported_share(self) -> float: ...
    @property
    def snapshot_share(self) -> float: ...
    @property
    def embargo_bars(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One row a bar, in (ticker, ts) order.

    frame: features (gaps filled forward inside a ticker), labels, t0, t1. sequences: windows over the unscaled
    features. state_ids: (n_rows,), −1 where unlabelled. is_fitted, is_reported, is_later: rows that fit the layers,
    rows of the reported block, all rows after the fitted ones. plan: which of the fitted rows make which classifier.
    """

    frame: pl.DataFrame
    sequences: Sequences
    state_ids: npt.NDArray[np.int64]
    is_fitted: Mask
    is_reported: Mask
    is_later: Mask
    plan: RegimePlan
    scored_from: datetime
    content: str

    @classmethod
    def of(
        cls, bars: pl.DataFrame, labels: pl.DataFrame, config: SplitConfig, report_from: datetime | None = None
    ) -> Self:
        """From silver bars and their labels. report_from: where the reported block begins, else by its share.

        TooLittleDataError where a split would leave a side empty.
        """
        built = assign_regime_labels(fill_gaps(build_dataset(bars, "m002").collect(), FEATURE_SETS["m002"]))
        frame = built.join(labels, on=["ticker", "ts"], how="left", maintain_order="left")
        if report_from is None:
            cut = time_split(frame["t0"], frame["t1"], 1 - config.reported_share, config.embargo_bars)
        else:
            cut = split_at(frame["t0"], frame["t1"], report_from, config.embargo_bars)
        is_fitted = _mask(frame, cut.train)
        is_known = frame["t1"].is_not_null().to_numpy()
        is_later = (frame["t0"] > frame["t0"].gather(cut.train).max()).to_numpy()
        sequences = regime_sequences(frame, FEATURE_SETS["m002"].names, config.regime.seq_len)
        return cls(
            frame=frame,
            sequences=sequences,
            state_ids=frame["regime_state_id"].fill_null(-1).cast(pl.Int64).to_numpy(),
            is_fitted=is_fitted,
            is_reported=_mask(frame, cut.test) & is_known,
            is_later=is_later,
            plan=_regime_plan(frame, is_fitted & _mask(frame, sequences.ends), config),
            scored_from=earliest(frame["t0"].gather(cut.test)),
            content=hash_bars(bars),
        )


def layer_key(layer: str, samples: Samples, settings: Mapping[str, object], seed: int) -> str:
    """The name of a fitted layer: everything it follows from, hashed. The policy is no part of it."""
    parts = {
        "layer": layer,
        "bars": samples.content,
        "features": definition_hash(FEATURE_SETS["m002"]),
        "settings": dict(settings),
        "fitted": hashlib.sha256(np.packbits(samples.is_fitted).tobytes()).hexdigest(),
        "seed": seed,
    }
    return hashlib.sha256(to_exact_json(parts)).hexdigest()


def _regime_plan(frame: pl.DataFrame, is_windowed: Mask, config: SplitConfig) -> RegimePlan:
    """Forward-chained folds inside the fitted rows that end a window, and the serving classifier on all of them."""
    fitted_rows = np.flatnonzero(is_windowed)
    fitted = frame.select("t0", "t1")[fitted_rows]
    folds = forward_folds(fitted["t0"], fitted["t1"], config.n_folds, config.embargo_bars)
    return RegimePlan(
        folds=tuple(_fold(frame, fitted_rows[fold.train], fitted_rows[fold.test], config) for fold in folds),
        serving=_fold(frame, fitted_rows, np.empty(0, dtype=np.int64), config),
    )


def _fold(
    frame: pl.DataFrame, read: npt.NDArray[np.int64], answered: npt.NDArray[np.int64], config: SplitConfig
) -> RegimeFold:
    """The rows a classifier reads, their newest dates kept to pick its snapshot."""
    intervals = frame.select("t0", "t1")[read]
    cut = time_split(intervals["t0"], intervals["t1"], 1 - config.snapshot_share, config.embargo_bars)
    return RegimeFold(
        fitted=_mask(frame, read[cut.train]), snapshot=_mask(frame, read[cut.test]), answered=_mask(frame, answered)
    )


def _mask(frame: pl.DataFrame, rows: npt.NDArray[np.int64]) -> Mask:
    mask = np.zeros(frame.height, dtype=np.bool_)
    mask[rows] = True
    return mask
