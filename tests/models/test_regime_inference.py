"""Probabilities: those of the plain network, and the same to the bit whatever else is there."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.errors import SchemaError, SettingsError
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import BLOCK, blocks, predict_logits, predict_probabilities
from pawl.models.regime_lstm import RegimeLSTM
from pawl.models.regime_training import fresh_network
from pawl.models.sequences import Sequences, build_sequences

N_FEATURES = 7


@pytest.fixture(scope="module", params=[1, 2], ids=["one layer", "two layers"])
def network(request: pytest.FixtureRequest) -> RegimeLSTM:
    return fresh_network(N_FEATURES, RegimeConfig(hidden=16, layers=request.param), seed=1)


def _market(rng: np.random.Generator, lengths: list[int], share_missing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features and the ticker of each row; `share_missing` of the rows lack a feature."""
    ticker = np.repeat(np.arange(len(lengths)), lengths)
    values = rng.normal(size=(len(ticker), N_FEATURES)).astype(np.float32)
    values[rng.random(len(ticker)) < share_missing, 2] = np.nan
    return values, ticker


def _sequences(values: np.ndarray, ticker: np.ndarray) -> Sequences:
    is_complete = np.isfinite(values).all(axis=1)
    return build_sequences(np.ascontiguousarray(values), ticker, np.arange(len(values)), is_complete)


def _plain(network: RegimeLSTM, sequences: Sequences) -> np.ndarray:
    network.eval()
    with torch.inference_mode():
        return network(torch.from_numpy(sequences.gather(sequences.ends))).softmax(dim=1).numpy()


@pytest.mark.parametrize("share_missing", [0.0, 0.01, 0.04])
def test_probabilities_are_those_of_the_plain_network(
    network: RegimeLSTM, rng: np.random.Generator, share_missing: float
) -> None:
    sequences = _sequences(*_market(rng, [300, 15, 20, 700], share_missing))
    assert len(sequences.ends) > 300
    np.testing.assert_allclose(predict_probabilities(network, sequences), _plain(network, sequences), atol=1e-6)


def test_m002_r18_every_row_is_a_distribution_over_five_states(network: RegimeLSTM, rng: np.random.Generator) -> None:
    sequences = _sequences(*_market(rng, [900], 0.01))
    sequences.values[:] *= 30  # logits far apart
    probabilities = predict_probabilities(network, sequences)
    assert probabilities.shape == (len(sequences.ends), 5)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1, dtype=np.float64), 1, atol=1e-6)


@pytest.mark.parametrize("share_missing", [0.0, 0.02])
def test_m002_r20_cutting_later_days_of_every_ticker_changes_no_bit(
    network: RegimeLSTM, rng: np.random.Generator, share_missing: float
) -> None:
    values, ticker = _market(rng, [310, 25, 640], share_missing)
    row_of_ticker = np.concatenate([np.arange(n) for n in (310, 25, 640)])
    whole = _sequences(values, ticker)
    answer = dict(zip(whole.ends.tolist(), predict_logits(network, whole).tolist(), strict=True))
    for cut in (20, 21, 63, 200, 276, 277, 300, 531, 600):
        kept = np.flatnonzero(row_of_ticker < cut)
        part = build_sequences(values[kept], ticker[kept], kept, np.isfinite(values[kept]).all(axis=1))
        for end, logits in zip(part.ends.tolist(), predict_logits(network, part).tolist(), strict=True):
            assert logits == answer[kept[end]]


def test_m002_r20_other_tickers_change_no_bit(network: RegimeLSTM, rng: np.random.Generator) -> None:
    values, ticker = _market(rng, [290, 350, 410])
    together = predict_logits(network, _sequences(values, ticker))
    alone = [predict_logits(network, _sequences(values[ticker == t], ticker[ticker == t])) for t in (0, 1, 2)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def _places(ends: list[int]) -> dict[int, int]:
    rows = np.array(ends, np.int64)
    found = [(end, end - first) for first, start, stop in blocks(rows, 20) for end in rows[start:stop].tolist()]
    assert [end for end, _ in found] == ends
    assert all(0 <= place < BLOCK for _, place in found)
    return dict(found)


@settings(deadline=None)
@given(st.lists(st.sampled_from([1, 1, 1, 1, 2, 7, 19, 20, 90, 300]), min_size=1, max_size=600), st.data())
def test_m002_r20_the_place_of_a_window_in_its_block_follows_from_older_windows_of_its_ticker(
    steps: list[int], data: st.DataObject
) -> None:
    # Where a product rounds by place, only this keeps the bits; it does not on the machine this was written on.
    ends = (18 + np.cumsum(steps)).tolist()
    places = _places(ends)
    cut = data.draw(st.integers(1, len(ends)))
    assert _places(ends[:cut]) == {end: places[end] for end in ends[:cut]}
    next_ticker = next((i for i in range(cut, len(ends)) if steps[i] >= 20), len(ends))
    assert _places(ends[next_ticker:]) == {end: places[end] for end in ends[next_ticker:]}


def test_what_lies_between_and_behind_the_windows_does_not_matter(
    network: RegimeLSTM, rng: np.random.Generator
) -> None:
    values, _ = _market(rng, [400])
    ends = np.array([30, 31, 60, 200, 350])
    expected = predict_logits(network, Sequences(values, ends, 20))
    inside = np.unique(np.concatenate([np.arange(end - 19, end + 1) for end in ends]))
    values[np.setdiff1d(np.arange(400), inside)] = np.nan
    np.testing.assert_array_equal(predict_logits(network, Sequences(values, ends, 20)), expected)


def test_predicting_leaves_the_network_and_torch_as_they_were(network: RegimeLSTM, rng: np.random.Generator) -> None:
    network.train()
    before = (torch.get_num_threads(), torch.get_rng_state().tolist())
    predict_logits(network, _sequences(*_market(rng, [50])))
    assert network.training
    assert (torch.get_num_threads(), torch.get_rng_state().tolist()) == before


def test_dropout_is_off_even_on_a_network_left_in_training(network: RegimeLSTM, rng: np.random.Generator) -> None:
    sequences = _sequences(*_market(rng, [50]))
    expected = predict_logits(network.eval(), sequences)
    np.testing.assert_array_equal(predict_logits(network.train(), sequences), expected)


def test_no_windows_give_no_rows(network: RegimeLSTM) -> None:
    sequences = _sequences(np.zeros((19, N_FEATURES), np.float32), np.zeros(19, int))
    assert predict_probabilities(network, sequences).shape == (0, 5)


@pytest.mark.parametrize("ends", [[18], [30, 29], [30, 30]])
def test_ends_that_are_no_ends_of_windows_are_refused(network: RegimeLSTM, ends: list[int]) -> None:
    with pytest.raises(SchemaError, match="do not rise"):
        predict_logits(network, Sequences(np.zeros((40, N_FEATURES), np.float32), np.array(ends), 20))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device here")
def test_a_device_that_is_not_there_is_named(network: RegimeLSTM) -> None:
    with pytest.raises(SettingsError, match="cuda"):
        predict_logits(network, Sequences(np.zeros((40, N_FEATURES), np.float32), np.array([30]), 20), device="cuda")
