"""Training of both heads: what it follows, when it stops, that it repeats, and that it goes on where it was cut off."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from pawl.errors import SchemaError, TooLittleDataError
from pawl.models.reversal_checkpoint import Shelf
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_training import (
    Run,
    Schedule,
    Targets,
    TrainedReversal,
    fresh_reversal,
    measured_on,
    train_reversal,
)
from pawl.models.sequences import Sequences

SMALL = ReversalNetConfig(hidden=8, sequence_length=5)
SCHEDULE = Schedule(
    learning_rate=0.01, max_epochs=6, batch_size=16, class_weights=np.ones(3), confidence_weight=1.0, patience=None
)


def market(n: int = 400, n_features: int = 4) -> tuple[Sequences, Targets]:
    """Windows whose last row says the class, and the confidence with it."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n, n_features)).astype(np.float32)
    class_ids = np.digitize(values[:, 0], [-0.5, 0.5]).astype(np.int64)
    ends = np.arange(4, n)
    targets = Targets(
        class_ids=class_ids,
        confidence=np.where(values[:, 1] > 0, 1.0, 0.5),
        train_ends=ends[: n * 3 // 4],
        valid_ends=ends[n * 3 // 4 :],
    )
    return Sequences(values, ends, 5), targets


def trained(schedule: Schedule = SCHEDULE, run: Run | None = None) -> TrainedReversal:
    sequences, targets = market()
    return train_reversal(fresh_reversal(4, SMALL, 1), sequences, targets, schedule, run or Run(seed=2))


def weights(done: TrainedReversal) -> dict[str, torch.Tensor]:
    return dict(done.network.state_dict())


def same(one: TrainedReversal, other: TrainedReversal) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


class Desk:
    """A LayerCache in memory."""

    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}
        self.n_put = 0

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return self.files.get(key)

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files[key] = files
        self.n_put += 1


class PowerCutError(RuntimeError):
    pass


def cut_after(n_epochs: int, desk: Desk, every: int = 2) -> Run:
    def on_epoch(done: int) -> None:
        if done == n_epochs:
            raise PowerCutError

    return Run(seed=2, shelf=Shelf(cache=desk, key="k", every=every), on_epoch=on_epoch)


def test_both_heads_learn_each_its_own_target() -> None:
    sequences, targets = market()
    fresh = fresh_reversal(4, SMALL, 1)
    done = trained(replace(SCHEDULE, max_epochs=25))
    before, after = (
        measured_on(network, sequences, targets, SCHEDULE, targets.valid_ends) for network in (fresh, done.network)
    )
    assert after[0] < before[0]
    assert after[1] > 0.8 > before[1]
    with torch.no_grad():
        windows = torch.from_numpy(sequences.gather(targets.valid_ends))
        said = torch.sigmoid(done.network(windows)[:, 3]).numpy()
    high = targets.confidence[targets.valid_ends] == 1.0
    assert said[high].mean() > said[~high].mean() + 0.1


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    state = torch.get_rng_state()
    assert same(trained(), trained())
    assert torch.equal(torch.get_rng_state(), state), "the global generator is left alone"
    assert not same(trained(), trained(run=Run(seed=3)))


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 5])
def test_rev_r41_a_training_that_was_cut_off_goes_on_and_ends_with_the_same_bits(n_epochs: int) -> None:
    desk = Desk()
    with pytest.raises(PowerCutError):
        trained(run=cut_after(n_epochs, desk))
    n_before = desk.n_put
    assert n_before == n_epochs // 2
    epochs: list[int] = []
    again = trained(run=Run(seed=2, shelf=Shelf(cache=desk, key="k", every=2), on_epoch=epochs.append))
    assert epochs[0] == n_epochs // 2 * 2 + 1, "it goes on behind the last checkpoint"
    whole = trained()
    assert same(again, whole)
    assert again.history == whole.history


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("layers", [1, 2])
def test_rev_r41_on_a_gpu_it_ends_with_the_same_bits_too(layers: int) -> None:
    sequences, targets = market()
    start, desk = fresh_reversal(4, SMALL.model_copy(update={"layers": layers}), 1), Desk()

    def train(run: Run) -> TrainedReversal:
        return train_reversal(start, sequences, targets, SCHEDULE, run)

    whole = train(Run(seed=2))
    torch.rand(3, device="cuda")
    state = torch.cuda.get_rng_state()
    with pytest.raises(PowerCutError):
        train(cut_after(3, desk))
    assert list(desk.files) == ["k-cuda"], "a CPU does not go on from here"
    assert same(train(Run(seed=2, shelf=Shelf(cache=desk, key="k", every=2))), whole)
    assert torch.equal(torch.cuda.get_rng_state(), state), "the global generator is left alone"


def test_rev_r41_so_does_one_that_stops_early() -> None:
    schedule, desk = replace(SCHEDULE, max_epochs=60, learning_rate=0.05, patience=3), Desk()
    whole = trained(schedule)
    assert len(whole.history) < 60
    with pytest.raises(PowerCutError):
        trained(schedule, cut_after(len(whole.history) - 1, desk, every=1))
    again = trained(schedule, Run(seed=2, shelf=Shelf(cache=desk, key="k", every=1)))
    assert same(again, whole)
    assert again.kept == whole.kept


def test_early_stopping_keeps_the_epoch_of_the_lowest_validation_loss() -> None:
    done = trained(replace(SCHEDULE, max_epochs=60, learning_rate=0.05, patience=3))
    losses = [epoch.valid_loss for epoch in done.history]
    assert done.kept == int(np.argmin(losses))
    assert len(losses) == done.kept + 4
    sequences, targets = market()
    assert measured_on(done.network, sequences, targets, SCHEDULE, targets.valid_ends)[0] == pytest.approx(min(losses))
    assert done.figures["loss_gap"] == done.figures["val_loss"] - done.figures["train_loss"]


def test_without_patience_all_epochs_are_trained_and_the_last_is_kept() -> None:
    done = trained()
    assert (len(done.history), done.kept) == (6, 5)


def test_what_it_starts_from_stays_as_it_was() -> None:
    sequences, targets = market()
    start = fresh_reversal(4, SMALL, 1)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    train_reversal(start, sequences, targets, SCHEDULE, Run(seed=2))
    assert all(torch.equal(before[name], value) for name, value in start.state_dict().items())


def test_class_weights_lift_the_rare_classes() -> None:
    sequences, targets = market(600)
    rare = replace(targets, class_ids=np.digitize(sequences.values[:, 0], [-1.6, 1.6]).astype(np.int64))
    start = fresh_reversal(4, SMALL, 1)

    def share_of_hold(class_weights: list[float]) -> float:
        schedule = replace(SCHEDULE, class_weights=np.array(class_weights))
        done = train_reversal(start, sequences, rare, schedule, Run(seed=2))
        with torch.no_grad():
            return float(
                (done.network(torch.from_numpy(sequences.gather(rare.valid_ends)))[:, :3].argmax(1) == 1).float().mean()
            )

    assert share_of_hold([6.0, 0.4, 6.0]) < share_of_hold([1.0, 1.0, 1.0])


def test_a_window_without_a_label_or_a_loss_that_is_no_number_stops_the_training() -> None:
    sequences, targets = market()
    start = fresh_reversal(4, SMALL, 1)
    unlabelled = np.where(np.arange(400) == 50, -1, targets.class_ids)
    with pytest.raises(SchemaError, match="no label"):
        train_reversal(start, sequences, replace(targets, class_ids=unlabelled), SCHEDULE, Run(seed=2))
    with pytest.raises(TooLittleDataError, match="to watch"):
        train_reversal(start, sequences, replace(targets, valid_ends=np.empty(0, np.int64)), SCHEDULE, Run(seed=2))
    with pytest.raises(SchemaError, match="the loss is nan"):
        train_reversal(start, Sequences(sequences.values * np.nan, sequences.ends, 5), targets, SCHEDULE, Run(seed=2))
