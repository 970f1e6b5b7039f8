"""The online tests of two versions: what they say, against independent slow computations."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats

import sequence_cases as cases
from online_gates import real
from pawl.gates.sequence_config import SequenceSettings
from pawl.gates.student_bound import critical_t, log_evidence

G = real()


@pytest.mark.parametrize("check", cases.CHECKS, ids=lambda check: check.__name__)
def test_the_online_tests_say_what_they_must(check: Callable[[SimpleNamespace], None]) -> None:
    check(G)


@pytest.mark.parametrize(("t", "n"), [(0.5, 10), (2.5, 12), (4.1, 10), (3.0, 40), (-2.0, 25)])
def test_the_evidence_is_the_ratio_of_two_densities_integrated_numerically(t: float, n: int) -> None:
    """∫ density of t under a gain δ · prior of δ dδ, over its density under no gain, by quadrature."""
    settings = SequenceSettings()

    def weighted(gain: float) -> float:
        prior = stats.norm.pdf(gain, scale=settings.tuned_gain)
        return float(stats.nct.pdf(t, n - 1, gain * math.sqrt(n)) * prior)

    under_gain, _ = integrate.quad(weighted, -4, 4, limit=400, points=[0.0])
    expected = math.log(under_gain / stats.t.pdf(t, n - 1))
    assert float(log_evidence(np.array([t]), np.array([n]), settings)[0]) == pytest.approx(expected, abs=1e-6)


def test_the_bound_becomes_that_of_the_asymptotic_confidence_sequence() -> None:
    """Waudby-Smith et al. 2024, two-sided at 2 α: √((n ρ² + 1) / (n ρ²) · ln((n ρ² + 1) / (2 · 0.9 α)²))."""
    settings = SequenceSettings()
    n = 200_000
    x = n * settings.tuned_gain**2
    expected = math.sqrt((x + 1) / x * math.log((x + 1) / (2 * 0.9 * settings.error_rate) ** 2))
    assert float(critical_t(np.array([n]), settings)[0]) == pytest.approx(expected, rel=1e-3)


def test_looking_after_every_block_of_normal_noise_keeps_the_error_rate() -> None:
    """2,000 lives of 300 blocks, one state each, block by block: at most 5 % promote (one-sided, three σ of slack)."""
    rng = np.random.Generator(np.random.PCG64(11))
    settings = SequenceSettings()
    bounds = critical_t(np.arange(301), settings)
    noise = rng.standard_normal((2000, 300))
    n_promoted = 0
    for life in noise:
        state = G.EMPTY_SEQUENCE
        for mean in life:
            state = state.with_block(float(mean))
            n = state.n_blocks
            if n >= 10 and state.mean > bounds[n] * math.sqrt(state.squares / (n - 1) / n):
                n_promoted += 1
                break
    assert n_promoted / 2000 <= 0.05


def test_a_bet_on_win_or_loss_keeps_the_error_rate_whatever_the_odds() -> None:
    """Two versions that win equally often, rarely or often, ten pairs a block: the exact bound is 5 %."""
    rng = np.random.Generator(np.random.PCG64(12))
    settings = SequenceSettings()
    stakes = np.array(G.STAKES)
    for win_rate in (0.05, 0.5, 0.95):
        wins = rng.binomial(10, win_rate, (2, 4000, 200)) / 10
        logs = np.log1p(stakes * (wins[0] - wins[1])[..., None]).cumsum(axis=1)
        evidence = np.exp(logs).mean(axis=2)[:, settings.min_blocks - 1 :]
        assert (evidence.max(axis=1) >= 1 / settings.error_rate).mean() <= 0.05
        first = G.bet_on((wins[0] - wins[1])[0])
        assert first.evidence == pytest.approx(evidence[0, -1])
