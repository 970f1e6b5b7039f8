"""Where a training stands, as files: what it needs to go on as if it had never been cut off (REV-R41)."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from safetensors import SafetensorError

from pawl.errors import CorruptArtifactError
from pawl.models.exact_json import from_exact_json, to_exact_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pawl.models.reversal_lstm import ReversalDetectionModel

__all__ = ["Checkpoint", "Progress", "Shelf"]

TENSORS, ABOUT = "checkpoint.safetensors", "checkpoint.json"


class _Cache(Protocol):
    """Files under keys, as the learners' `LayerCache`."""

    def get(self, key: str) -> Mapping[str, bytes] | None: ...
    def put(self, key: str, files: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """files: tensors of the network, the snapshot, the optimiser and both generators. history: the epochs so far."""

    tensors: bytes
    history: list[dict[str, float]]
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where the checkpoints of one training lie. key: names all that the training follows from. every: epochs."""

    cache: _Cache
    key: str
    every: int

    def on(self, device: str) -> "Shelf":
        """The shelf of trainings on such a device: one of a CPU cannot go on from a GPU's, nor the other way round."""
        return self if device == "cpu" else replace(self, key=f"{self.key}-{device}")

    def load(self) -> Checkpoint | None:
        """The newest checkpoint; None before the first."""
        files = self.cache.get(self.key)
        if files is None:
            return None
        try:
            about = from_exact_json(files[ABOUT], ABOUT)
            return Checkpoint(tensors=files[TENSORS], history=list(about["history"]), best=int(about["best"]))
        except KeyError as error:
            raise CorruptArtifactError(f"a checkpoint lacks {error}", where=self.key, fix="train anew") from error

    def offer(self, n_epochs: int, make: Callable[[], Checkpoint]) -> None:
        """Keep what `make` gives, after every so many epochs."""
        if n_epochs % self.every:
            return
        made = make()
        about = to_exact_json({"history": made.history, "best": made.best})
        self.cache.put(self.key, {TENSORS: made.tensors, ABOUT: about})


@dataclass(slots=True)
class Progress:
    """A training under way: all that changes from epoch to epoch, the list of epochs apart.

    dropout_state: of the generator that belongs to the network's device.
    """

    network: "ReversalDetectionModel"
    optimiser: "torch.optim.Adam"
    generator: "torch.Generator"
    dropout_state: "Tensor"
    snapshot: dict[str, "Tensor"]
    best: int = 0

    @classmethod
    def begin(cls, network: "ReversalDetectionModel", learning_rate: float, seed: int) -> "Progress":
        """Before the first epoch."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        return cls(
            network=network,
            optimiser=torch.optim.Adam(network.parameters(), lr=learning_rate),
            generator=generator,
            dropout_state=torch.Generator(device=network.device).manual_seed(seed + 1).get_state(),
            snapshot=copy.deepcopy(network.state_dict()),
        )

    def keep(self, epoch: int) -> None:
        """Remember the parameters as they are, as those of this epoch."""
        self.best, self.snapshot = epoch, copy.deepcopy(self.network.state_dict())

    def checkpoint(self, history: list[dict[str, float]]) -> Checkpoint:
        """As it stands."""
        from safetensors.torch import save

        tensors: dict[str, Any] = {
            **{f"network.{name}": value for name, value in self.network.state_dict().items()},
            **{f"snapshot.{name}": value for name, value in self.snapshot.items()},
            **{
                f"adam.{number}.{name}": value
                for number, state in self.optimiser.state_dict()["state"].items()
                for name, value in state.items()
            },
            "generator": self.generator.get_state(),
            "dropout": self.dropout_state,
        }
        stored = save({name: value.detach().cpu().clone() for name, value in tensors.items()})
        return Checkpoint(tensors=stored, history=history, best=self.best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was made. CorruptArtifactError when it is not one of this network."""
        from safetensors.torch import load

        try:
            tensors = load(checkpoint.tensors)
            self.network.load_state_dict(_below("network.", tensors))
            device = self.network.device
            self.snapshot = {name: value.to(device) for name, value in _below("snapshot.", tensors).items()}
            adam = self.optimiser.state_dict()
            for name, value in _below("adam.", tensors).items():
                number, part = name.split(".")
                adam["state"].setdefault(int(number), {})[part] = value
            self.optimiser.load_state_dict(adam)
            self.generator.set_state(tensors["generator"])
            self.dropout_state = tensors["dropout"]
        except (KeyError, RuntimeError, ValueError, SafetensorError) as error:
            raise CorruptArtifactError(
                f"not a checkpoint of this training: {error}", where="checkpoint", fix="train anew"
            ) from error
        self.best = checkpoint.best


def _below(prefix: str, tensors: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
