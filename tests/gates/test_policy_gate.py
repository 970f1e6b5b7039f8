"""The offline gate of a policy on measured series: what is truly better passes; luck and equality do not."""

import numpy as np
import pytest
from pydantic import ValidationError

from gate_cases import CHAMPION
from pawl.evaluation.bootstrap import Blocks, Resampling, mean_of, paired_interval
from pawl.evaluation.sharpe import deflated_sharpe
from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Figures, PairedDifference
from pawl.gates.policy_gate import GateSettings, deflated_figures, paired_figures, policy_gate
from pawl.gates.verdict import Verdict

N_DAYS = 91
FIVE = {name: Figure(*edit) for name, edit in CHAMPION.items() if isinstance(edit, tuple)}


def measured(champion: np.ndarray, challenger: np.ndarray, n_trials: int) -> Figures:
    moving = Resampling(n_resamples=500, block_days=5, blocks=Blocks.MOVING)
    found = paired_interval(challenger, champion, mean_of, moving, np.random.default_rng(1))
    bps = PairedDifference(mean=found.value * 1e4, low=found.low * 1e4, high=found.high * 1e4, n_days=champion.size)
    sharpe = deflated_sharpe(challenger, n_trials)
    return {**paired_figures("net_return", bps), **deflated_figures(sharpe, n_days=N_DAYS, n_trials=n_trials)}


def judge(champion: np.ndarray, challenger: np.ndarray, n_trials: int = 5) -> Verdict:
    gate = policy_gate("net_return", Unit.BPS, GateSettings())
    return gate.judge(FIVE, {**FIVE, **measured(champion, challenger, n_trials)})


@pytest.fixture
def market(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0.001, 0.01, N_DAYS)


def test_a_challenger_that_earns_more_almost_every_day_passes(market: np.ndarray, rng: np.random.Generator) -> None:
    assert judge(market, market + rng.normal(0.003, 0.002, N_DAYS)).passed


def test_the_same_model_again_is_no_reason_to_release(market: np.ndarray) -> None:
    verdict = judge(market, market.copy())
    assert [row.metric for row in verdict.failures] == ["net_return_gain_low"]


def test_a_gain_within_the_noise_is_refused(market: np.ndarray, rng: np.random.Generator) -> None:
    lucky = rng.normal(0.0, 0.01, N_DAYS)
    verdict = judge(market, market + lucky - lucky.mean() + 0.0005)
    assert "net_return_gain_low" in [row.metric for row in verdict.failures]


def test_the_more_was_tried_the_more_sharpe_it_takes(market: np.ndarray, rng: np.random.Generator) -> None:
    losing = market - market.mean() - 0.003
    modest = losing + rng.normal(0.004, 0.001, N_DAYS)
    outcomes = [[row.metric for row in judge(losing, modest, n_trials).failures] for n_trials in (1, 500)]
    assert outcomes == [[], ["deflated_sharpe"]]


def test_settings_out_of_bounds_stop_the_start() -> None:
    for wrong in ({"min_decisions": 1}, {"drawdown_tolerance": -0.1}, {"min_deflated_sharpe": 1.0}, {"unknown": 1}):
        with pytest.raises(ValidationError):
            GateSettings.model_validate(wrong)
