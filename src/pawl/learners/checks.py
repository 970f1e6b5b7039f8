"""The contract of a learner as checks that any learner must pass: `LEARNER_CHECKS`, run by `pawl learner check NAME`.

Each check takes the learner and some silver bars, fits what it must, and raises ContractError when the contract is
broken. They know nothing of the learner but its protocol.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from pawl.errors import ContractError, TooLittleDataError
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, Learner

__all__ = ["LEARNER_CHECKS", "Check"]

AnyLearner = Learner[Any]
Check = Callable[[AnyLearner, pl.DataFrame], None]

_SEED = 11


def labels_derive_their_interval_from_the_bars(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """Every known label is known after it is asked, and no earlier than its horizon's last bar closes."""
    labels = learner.label(bars)
    _require_columns(learner, labels, ("ticker", "ts", "t0", "t1", "target"), "label")
    known = labels.drop_nulls("target")
    if known.get_column("t1").null_count() or known.filter(pl.col("t1") < pl.col("t0")).height:
        _break(learner, "a label is known before its own t0, or has a target without a t1")
    cut = bars.get_column("available_at").sort()[len(bars) * 2 // 3]
    seen = learner.label(bars.filter(pl.col("available_at") <= cut)).drop_nulls("target")
    resolved = known.filter(pl.col("t1") <= cut)
    if not _is_equal(seen, resolved):
        _break(learner, f"labels resolved by {cut:%Y-%m-%d} change when later bars are there: t1 is too early")


def predictions_do_not_change_when_the_future_is_cut(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """What is predicted at a close is the same when the bars after it are not there."""
    model = _fit(learner, bars).model
    cut = bars.get_column("available_at").sort()[len(bars) * 3 // 4]
    whole = learner.predict(model, bars).filter(pl.col("ts").is_in(_before(bars, cut).get_column("ts").implode()))
    if not _is_equal(whole, learner.predict(model, _before(bars, cut))):
        _break(learner, f"predictions up to {cut:%Y-%m-%d} change when later bars are there: the future leaks")


def predictions_since_an_instant_are_the_same(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """Asking for the newest bars only gives the answers that asking for all of them gives."""
    model = _fit(learner, bars).model
    since = bars.get_column("ts").sort()[len(bars) * 3 // 4]
    whole = learner.predict(model, bars).filter(pl.col("ts") >= since)
    if not _is_equal(whole, learner.predict(model, bars, since=since)):
        _break(learner, f"predictions since {since:%Y-%m-%d} are not those of the whole history")


def predict_is_pure(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """Predicting twice gives the same, and leaves the bars as they were."""
    model = _fit(learner, bars).model
    before = bars.clone()
    if not _is_equal(learner.predict(model, bars), learner.predict(model, bars)):
        _break(learner, "predicting twice gives two answers: take randomness out of predict")
    if not _is_equal(before, bars):
        _break(learner, "predict changes the bars it is handed")


def the_order_of_tickers_does_not_matter(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """Rows handed in another order give the same predictions."""
    model = _fit(learner, bars).model
    turned = bars.sort("ticker", "ts", descending=[True, False])
    if not _is_equal(learner.predict(model, bars), learner.predict(model, turned)):
        _break(learner, "predictions depend on the order of the rows: sort by ticker and ts first")


def saved_is_loaded(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """A model that went through its files predicts to the byte what it did before."""
    model = _fit(learner, bars).model
    files = learner.save(model)
    if any(not isinstance(content, bytes) or content[:1] == b"\x80" for content in files.values()):
        _break(learner, "save gives something other than plain bytes, or a pickle")
    if not _is_equal(learner.predict(model, bars), learner.predict(learner.load(files), bars)):
        _break(learner, "a loaded model predicts something else than the saved one")


def a_seed_repeats(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """The same bars and seed give the same files; the global random state is left alone."""
    state = _global_state()
    first = learner.save(_fit(learner, bars).model)
    second = learner.save(_fit(learner, bars).model)
    if dict(first) != dict(second):
        changed = sorted(name for name in first if first[name] != second.get(name))
        _break(learner, f"the same seed gives other files: {', '.join(changed)}")
    if _global_state() != state:
        _break(learner, "fit draws from the global random generator: draw from one seeded by context.seed")


def decisions_speak_the_house_words(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """One decision a bar; long is positive, short negative, flat zero; nothing is NaN."""
    decisions = learner.decide(learner.predict(_fit(learner, bars).model, bars))
    _require_columns(learner, decisions, DECISION_COLUMNS, "decide")
    if decisions.height != bars.height:
        _break(learner, f"{bars.height} bars became {decisions.height} decisions: give one a bar, flat when in doubt")
    sign = pl.col("action").replace_strict({"long": 1, "short": -1, "flat": 0}, default=None)
    wrong = decisions.filter((sign.is_null() | (pl.col("position_size").sign() != sign)).fill_null(value=True))
    if wrong.height:
        _break(learner, f"{wrong.height} decisions whose action and signed size disagree, the first: {wrong.row(0)}")


def too_few_bars_are_refused(learner: AnyLearner, bars: pl.DataFrame) -> None:
    """A handful of bars is an error of the tree, not a model."""
    few = bars.sort("ticker", "ts").group_by("ticker", maintain_order=True).head(10)
    try:
        _fit(learner, few)
    except TooLittleDataError:
        return
    _break(learner, "ten bars a ticker gave a model: raise TooLittleDataError instead")


LEARNER_CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        labels_derive_their_interval_from_the_bars,
        predictions_do_not_change_when_the_future_is_cut,
        predictions_since_an_instant_are_the_same,
        predict_is_pure,
        the_order_of_tickers_does_not_matter,
        saved_is_loaded,
        a_seed_repeats,
        decisions_speak_the_house_words,
        too_few_bars_are_refused,
    )
}


def _fit(learner: AnyLearner, bars: pl.DataFrame) -> Fit[Any]:
    return learner.fit(bars, FitContext(seed=_SEED))


def _global_state() -> bytes:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - read, to see that nobody else has drawn from it
    return repr(state).encode()


def _before(bars: pl.DataFrame, cut: datetime) -> pl.DataFrame:
    return bars.filter(pl.col("available_at") <= cut)


def _is_equal(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    try:
        assert_frame_equal(left, right, check_exact=True)
    except AssertionError:
        return False
    return True


def _require_columns(learner: AnyLearner, frame: pl.DataFrame, columns: tuple[str, ...], method: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        _break(learner, f"`{method}` gives no column {', '.join(missing)}")


def _break(learner: AnyLearner, what: str) -> None:
    raise ContractError(what, where=f"learner `{learner.spec.name}`", fix="see docs/own-learner.md, `The contract`")
