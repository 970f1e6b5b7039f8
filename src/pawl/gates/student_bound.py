"""The bound of the online test: how large Student's t may grow, at whatever look, while nothing is better.

With a normal prior on the standardised gain, of deviation ρ, and the scale integrated out, the evidence against "no
gain" after n normal values is

    E_n = (1 + n ρ²)^(−1/2) · ((1 + t² / (n − 1)) / (1 + t² / ((n − 1) (1 + n ρ²))))^(n/2)

and it passes c in either direction, at any n, with a chance of at most 1 / c (Lai, Annals of Statistics 1976; Wang and
Ramdas, Anytime-valid t-tests, 2025). One-sided at α, c is 1 / (2 α), with a tenth of α kept back. For values that are
means of many, the bound holds asymptotically: with n it becomes that of Waudby-Smith et al., Time-uniform central limit
theory, Annals of Statistics 2024. Unlike that one it pays for the estimated variance of the first looks.
"""

import numpy as np
from numpy.typing import NDArray

from pawl.gates.sequence_config import SequenceSettings

__all__ = ["critical_t", "log_evidence"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Neighbouring blocks still share one horizon of their labels, and the bound takes them for strangers.
SPENT = 0.9


def critical_t(n_blocks: Ints, settings: SequenceSettings) -> Floats:
    """The t that must be passed after each number of blocks; infinite before the first look and where none is enough.

    >>> critical_t(np.array([9, 10, 40, 400]), SequenceSettings()).round(3).tolist()
    [inf, 3.973, 2.941, 3.101]
    """
    n = np.asarray(n_blocks, dtype=np.float64)
    spread = 1.0 + n * settings.tuned_gain**2
    enough = np.full(n.shape, np.inf)
    looked = n_blocks >= settings.min_blocks
    growth = np.power(spread[looked] / (2.0 * SPENT * settings.error_rate) ** 2, 1.0 / n[looked])
    room = 1.0 - growth / spread[looked]
    squared = np.full(growth.shape, np.inf)
    np.divide((n[looked] - 1.0) * (growth - 1.0), room, out=squared, where=room > 0.0)
    enough[looked] = np.sqrt(squared)
    return enough


def log_evidence(t: Floats, n_blocks: Ints, settings: SequenceSettings) -> Floats:
    """ln E_n of Student's t after n ≥ 2 blocks: 0 says nothing, ln 11.1 is where a one-sided 5 % decides.

    >>> n = np.array([40])
    >>> np.exp(log_evidence(critical_t(n, SequenceSettings()), n, SequenceSettings())).round(6).tolist()
    [11.111111]
    """
    n = np.asarray(n_blocks, dtype=np.float64)
    spread = 1.0 + n * settings.tuned_gain**2
    found: Floats = (
        n / 2.0 * (np.log1p(t * t / (n - 1.0)) - np.log1p(t * t / ((n - 1.0) * spread))) - np.log(spread) / 2.0
    )
    return found
