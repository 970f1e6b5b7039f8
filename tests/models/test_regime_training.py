"""Training: what it minimises, what it keeps, and that it repeats."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn, optim

from pawl.errors import SchemaError, TooLittleDataError
from pawl.models import regime_training
from pawl.models.balanced import BalancedBatch, balanced_collate_fn
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import predict_logits
from pawl.models.regime_lstm import RegimeLSTM
from pawl.models.regime_training import FittedRegime, RegimeSplit, fit_regime, fresh_network, train_network
from pawl.models.sequences import Sequences, build_sequences

CONFIG = RegimeConfig(hidden=12, batch_size=64, max_epochs=6, learning_rate=0.01)


@pytest.fixture(scope="module")
def market() -> tuple[Sequences, np.ndarray, RegimeSplit]:
    """800 days whose state follows from the last values, unevenly: shares of about 0.7, 0.2 and 0.1."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(800, 4)).astype(np.float32)
    sequences = build_sequences(values, np.zeros(800, int), np.arange(800), np.ones(800, bool))
    labels = np.digitize(values[:, 0] + 0.5 * rng.normal(size=800), [0.6, 1.4])
    ends = sequences.ends
    return sequences, labels, RegimeSplit(train_ends=ends[ends < 600], valid_ends=ends[ends >= 605])


@pytest.fixture(scope="module")
def fitted(market: tuple[Sequences, np.ndarray, RegimeSplit]) -> FittedRegime:
    return fit_regime(*market, CONFIG, 3)


def _weights(fit: FittedRegime) -> list[bytes]:
    return [parameter.numpy().tobytes() for parameter in fit.network.state_dict().values()]


def test_m002_r16_training_returns_losses_accuracy_and_the_number_of_sequences(
    market: tuple[Sequences, np.ndarray, RegimeSplit], fitted: FittedRegime
) -> None:
    sequences, labels, split = market
    logits = fitted.network(torch.from_numpy(sequences.gather(split.valid_ends)))
    states = torch.from_numpy(labels[split.valid_ends])
    assert fitted.n_sequences == 581
    assert fitted.valid_loss == pytest.approx(
        nn.functional.cross_entropy(logits, states, label_smoothing=0.15).item(), abs=1e-5
    )
    assert fitted.accuracy == pytest.approx((logits.argmax(1) == states).double().mean().item())
    assert fitted.accuracy > 0.5
    assert 0 < fitted.train_loss < np.log(5)
    np.testing.assert_allclose(fitted.class_prior, np.bincount(labels[split.train_ends], minlength=5) / 581)


def test_confusion_counts_every_validation_window_once(
    market: tuple[Sequences, np.ndarray, RegimeSplit], fitted: FittedRegime
) -> None:
    sequences, labels, split = market
    predicted = fitted.network(torch.from_numpy(sequences.gather(split.valid_ends))).argmax(1).numpy()
    for true in range(5):
        for named in range(5):
            expected = ((labels[split.valid_ends] == true) & (predicted == named)).sum()
            assert fitted.confusion[true, named] == expected
    assert np.isnan(fitted.class_recall[3:]).all()
    np.testing.assert_allclose(
        fitted.class_recall[:3], np.diag(fitted.confusion)[:3] / fitted.confusion.sum(axis=1)[:3]
    )


def test_m002_r15_the_snapshot_is_the_one_with_the_lowest_validation_loss(
    market: tuple[Sequences, np.ndarray, RegimeSplit],
) -> None:
    sequences, labels, split = market
    # So fast a rate that the loss goes up and down: the last epoch is not the best.
    fit = fit_regime(*market, CONFIG.model_copy(update={"learning_rate": 0.08, "max_epochs": 12, "patience": 12}), 1)
    losses = [epoch.valid_loss for epoch in fit.history]
    assert fit.best == int(np.argmin(losses)) < len(losses) - 1
    logits = torch.from_numpy(predict_logits(fit.network, Sequences(sequences.values, split.valid_ends, 20)))
    again = nn.functional.cross_entropy(logits, torch.from_numpy(labels[split.valid_ends]), label_smoothing=0.15)
    assert again.item() == min(losses) == fit.valid_loss


def test_m002_r14_adamw_smoothed_cross_entropy_without_weights_and_15_epochs_at_most(
    market: tuple[Sequences, np.ndarray, RegimeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, dict[str, float | None]]] = []
    steps: list[None] = []

    class SeenAdamW(optim.AdamW):
        def __init__(self, params: Iterator[nn.Parameter], **options: float) -> None:
            made.append(("AdamW", options))
            super().__init__(params, **options)

        def step(self) -> None:
            steps.append(None)
            super().step()

    class SeenLoss(nn.CrossEntropyLoss):
        def __init__(self, **options: float | None) -> None:
            made.append(("CrossEntropyLoss", options))
            super().__init__(**options)

    monkeypatch.setattr(optim, "AdamW", SeenAdamW)
    monkeypatch.setattr(nn, "CrossEntropyLoss", SeenLoss)
    fit = fit_regime(*market, RegimeConfig(hidden=4, patience=15), 3)
    assert sorted(made, key=lambda entry: entry[0]) == [
        ("AdamW", {"lr": 1e-3}),
        ("CrossEntropyLoss", {"weight": None, "label_smoothing": 0.15}),
    ]
    assert len(fit.history) == 15
    assert len(steps) == 15 * 3  # 581 windows in batches of 256


def test_m002_r13_training_batches_are_evened_and_validation_is_not(
    market: tuple[Sequences, np.ndarray, RegimeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[BalancedBatch] = []
    asked: list[int] = []

    def seen(drawn: tuple[torch.Tensor, torch.Tensor]) -> BalancedBatch:
        batches.append(balanced_collate_fn(drawn))
        return batches[-1]

    def seen_logits(network: RegimeLSTM, sequences: Sequences) -> np.ndarray:
        asked.extend(sequences.ends.tolist())
        return predict_logits(network, sequences)

    monkeypatch.setattr(regime_training, "balanced_collate_fn", seen)
    monkeypatch.setattr(regime_training, "predict_logits", seen_logits)
    fit_regime(*market, CONFIG.model_copy(update={"max_epochs": 1}), 3)
    assert len(batches) == 10
    for batch in batches:
        assert len(batch.labels.unique(return_counts=True)[1].unique()) == 1
    assert sum(len(batch.windows) for batch in batches) == 581
    assert asked == market[2].valid_ends.tolist()


def test_m002_r17_the_same_seed_and_data_give_the_same_weights(
    market: tuple[Sequences, np.ndarray, RegimeSplit], fitted: FittedRegime
) -> None:
    torch.rand(17)  # what the world drew before must not matter
    assert _weights(fit_regime(*market, CONFIG, 3)) == _weights(fitted)
    assert _weights(fit_regime(*market, CONFIG, 4)) != _weights(fitted)


def test_m002_r17_no_seed_and_no_thread_count_is_left_behind(
    market: tuple[Sequences, np.ndarray, RegimeSplit],
) -> None:
    before = (torch.get_rng_state().tolist(), torch.get_num_threads(), np.random.get_state()[1].tolist())  # noqa: NPY002 - watched, not drawn from
    fit_regime(*market, CONFIG.model_copy(update={"max_epochs": 1}), 3)
    after = (torch.get_rng_state().tolist(), torch.get_num_threads(), np.random.get_state()[1].tolist())  # noqa: NPY002 - as above
    assert after == before


def test_training_stops_when_validation_has_not_improved_for_patience_epochs(
    market: tuple[Sequences, np.ndarray, RegimeSplit],
) -> None:
    fit = fit_regime(*market, CONFIG.model_copy(update={"learning_rate": 0.2, "max_epochs": 15, "patience": 2}), 1)
    assert len(fit.history) == fit.best + 3 < 15


def test_a_warm_start_goes_on_from_a_network_and_leaves_it_alone(
    market: tuple[Sequences, np.ndarray, RegimeSplit], fitted: FittedRegime
) -> None:
    before = _weights(fitted)
    slow = CONFIG.model_copy(update={"learning_rate": 1e-6, "max_epochs": 1})
    warm = train_network(fitted.network, *market, slow, 3)
    assert warm.valid_loss == pytest.approx(fitted.valid_loss, abs=1e-3)
    assert _weights(warm) != before == _weights(fitted)


def test_a_state_without_training_windows_is_recorded(fitted: FittedRegime) -> None:
    assert fitted.missing_states == (3, 4)


def test_fewer_than_two_states_fail_the_training(market: tuple[Sequences, np.ndarray, RegimeSplit]) -> None:
    sequences, labels, split = market
    with pytest.raises(TooLittleDataError, match="1 of 5 states"):
        fit_regime(sequences, np.zeros_like(labels), split, CONFIG, 3)
    nothing = RegimeSplit(train_ends=split.train_ends[:0], valid_ends=split.valid_ends)
    with pytest.raises(TooLittleDataError, match="0 of 5 states"):
        fit_regime(sequences, labels, nothing, CONFIG, 3)


def test_training_without_validation_is_refused(market: tuple[Sequences, np.ndarray, RegimeSplit]) -> None:
    sequences, labels, split = market
    with pytest.raises(TooLittleDataError, match="validation"):
        fit_regime(
            sequences, labels, RegimeSplit(train_ends=split.train_ends, valid_ends=split.valid_ends[:0]), CONFIG, 3
        )


def test_values_that_give_no_finite_loss_are_refused(market: tuple[Sequences, np.ndarray, RegimeSplit]) -> None:
    sequences, labels, split = market
    values = sequences.values.copy()
    values[300] = np.nan
    with pytest.raises(SchemaError, match="loss is nan"):
        fit_regime(Sequences(values, sequences.ends, 20), labels, split, CONFIG, 3)


def test_initial_weights_follow_from_the_seed_alone() -> None:
    first, same, other = (fresh_network(4, CONFIG, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["lstm.weight_hh_l0"], other["lstm.weight_hh_l0"])
