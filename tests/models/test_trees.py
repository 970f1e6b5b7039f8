"""One row through the C fast path: the same answer to the bit, whoever asks, and nothing left behind."""

import gc
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pawl.errors import SchemaError
from pawl.models import trees
from pawl.models.trees import SingleRow, Trees, single_row

N_FEATURES = 6
KINDS = ("binary", "regression", "multiclass", "zeros are missing")

values = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64), st.sampled_from([0.0, -0.0, 1e-36, np.nan, 1.0, -1.0])
)
rows_of_any_kind = arrays(np.float64, N_FEATURES, elements=values)


def text_of(kind: str, n_trees: int = 40) -> str:
    """A model of the kind, fitted on rows of which a fifth of the values is missing and one column is a category."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, N_FEATURES))
    x[:, 5] = rng.integers(0, 7, 600)
    score = x[:, 0] * x[:, 1] + (x[:, 5] == 3) + 0.3 * rng.normal(size=600)
    x[rng.random(x.shape) < 0.2] = np.nan
    params: dict[str, Any] = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "deterministic": True}
    if kind == "multiclass":
        params |= {"objective": "multiclass", "num_class": 3}
        y = np.digitize(score, [-0.5, 0.7])
    elif kind == "binary":
        params |= {"objective": "binary"}
        y = score > 0.2
    else:
        params |= {"objective": "regression", "zero_as_missing": kind == "zeros are missing"}
        y = score
    return str(lgb.train(params, lgb.Dataset(x, y, categorical_feature=[5]), n_trees).model_to_string())


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[Trees, lgb.Booster]]:
    texts = {kind: text_of(kind) for kind in KINDS}
    return {kind: (Trees(text), lgb.Booster(model_str=text)) for kind, text in texts.items()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=300, deadline=None)
@given(row=rows_of_any_kind)
def test_one_row_is_answered_to_the_bit_as_booster_predict_answers_it(
    models: dict[str, tuple[Trees, lgb.Booster]], kind: str, row: npt.NDArray[np.float64]
) -> None:
    own, booster = models[kind]
    expected = np.asarray(booster.predict(row[None, :], num_threads=1))
    assert own.predict(row[None, :]).shape == expected.shape
    assert own.predict(row[None, :]).tobytes() == expected.tobytes()
    assert own.predict_one(row).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_alone_is_answered_as_it_is_among_others(models: dict[str, tuple[Trees, lgb.Booster]], kind: str) -> None:
    rows = np.random.default_rng(8).normal(size=(500, N_FEATURES))
    rows[::7, 2] = np.nan
    together = models[kind][0].predict(rows)
    alone = np.concatenate([models[kind][0].predict(row[None, :]) for row in rows])
    assert alone.tobytes() == together.tobytes()
    assert len(together) == 500


def test_the_fast_path_is_taken_for_one_row_and_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    own, asked = Trees(text_of("binary", 3)), []
    real = SingleRow.__call__
    monkeypatch.setattr(SingleRow, "__call__", lambda self, row: asked.append(1) or real(self, row))
    own.predict(np.zeros((1, N_FEATURES)))
    assert asked == [1]
    own.predict(np.zeros((2, N_FEATURES)))
    assert asked == [1]


def test_an_answer_is_not_written_over_by_the_next_one() -> None:
    own = Trees(text_of("regression"))
    first = own.predict_one(np.full(N_FEATURES, -2.0))
    kept = first.copy()
    assert own.predict_one(np.full(N_FEATURES, 2.0)) != kept
    assert first == kept


def test_many_threads_get_their_own_answers() -> None:
    own = Trees(text_of("multiclass", 100))
    rows = np.random.default_rng(2).normal(size=(2_000, N_FEATURES))
    expected = own.predict(rows)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(own.predict_one, rows))
    np.testing.assert_array_equal(np.array(answers), expected)


def test_a_library_without_the_fast_path_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text, row = text_of("multiclass"), np.arange(N_FEATURES, dtype=np.float64)
    fast = Trees(text).predict_one(row)
    monkeypatch.setattr(trees, "NAMES", ("LGBM_NoSuchFunction",))
    slow = Trees(text)
    assert single_row(lgb.Booster(model_str=text)) is None
    assert slow.predict_one(row).tobytes() == fast.tobytes()
    assert slow.predict(row[None, :]).shape == (1, 3)


def test_what_lightgbm_holds_is_given_back_once_while_its_booster_still_stands() -> None:
    booster = lgb.Booster(model_str=text_of("binary"))
    still, events = weakref.ref(booster), []

    class Watched:
        """LightGBM's library, which tells when a handle is freed."""

        def __getattr__(self, name: str) -> Any:
            real = getattr(lgb.basic._LIB, name)
            if name != trees.NAMES[-1]:
                return real
            return lambda handle: events.append((still() is not None, bool(handle))) or real(handle)

    fast = SingleRow(Watched(), booster)  # type: ignore[arg-type]
    fast(np.zeros(N_FEATURES))
    del booster
    gc.collect()
    assert not events
    del fast
    gc.collect()
    assert events == [(True, True)]
    assert still() is None


def test_a_row_of_another_length_is_refused_and_the_next_one_is_answered() -> None:
    own = Trees(text_of("binary"))
    for wrong in (np.zeros(1), np.zeros(N_FEATURES + 1), np.zeros(0)):
        with pytest.raises(SchemaError, match="row of"):
            own.predict_one(wrong)
    assert len(own.predict_one(np.zeros(N_FEATURES))) == 1


def test_it_travels_to_another_process_as_its_text() -> None:
    own = Trees(text_of("binary"))
    row = np.ones(N_FEATURES)
    before = own.predict_one(row)
    again = pickle.loads(pickle.dumps(own))
    assert again.predict_one(row).tobytes() == before.tobytes()
