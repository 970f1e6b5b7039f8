"""The parameters of a network as safetensors: numbers and names, no code that runs when it is read."""

from typing import TYPE_CHECKING

from safetensors import SafetensorError

from pawl.errors import CorruptArtifactError
from pawl.models.regime_config import RegimeConfig

if TYPE_CHECKING:
    from pawl.models.regime_lstm import RegimeLSTM

__all__ = ["network_from_bytes", "network_to_bytes"]


def network_to_bytes(network: "RegimeLSTM") -> bytes:
    """The same parameters always give the same bytes."""
    from safetensors.torch import save

    return save(dict(network.state_dict()))


def network_from_bytes(content: bytes, config: RegimeConfig, n_features: int) -> "RegimeLSTM":
    """The network whose bytes these are, ready to predict. CorruptArtifactError when it was not built like this."""
    from safetensors.torch import load

    from pawl.models.regime_lstm import RegimeLSTM

    network = RegimeLSTM(n_features, config)
    try:
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        raise CorruptArtifactError(
            f"not the parameters of this network: {error}",
            where="network_from_bytes",
            fix="fetch or train the version again",
        ) from error
    return network.eval()
