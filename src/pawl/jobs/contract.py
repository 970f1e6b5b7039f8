"""The contract of learners, tried on the simulated market."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from pawl.errors import ContractError
from pawl.learners.checks import LEARNER_CHECKS
from pawl.learners.learner import Learner
from pawl.market.bars import SILVER_SCHEMA
from pawl.market.calendars import ALWAYS, stamp
from pawl.market.simulated import MarketSpec, simulate

__all__ = ["check_contract"]

START = datetime(2021, 1, 1, tzinfo=UTC)


def check_contract(learner: Learner[Any], seed: int, on_stage: Callable[[str, float], None]) -> dict[str, str | None]:
    """Check → None where the promise is kept, else what broke it. Three tickers of simulated bars, twice `min_bars`."""
    timeframe = learner.spec.timeframe
    spec = MarketSpec(
        tickers=("AAA", "BBB", "CCC"), start=START, n_bars=max(2 * learner.spec.min_bars, 300), timeframe=timeframe
    )
    market = simulate(spec, np.random.default_rng(seed)).bars
    bars = stamp(market, ALWAYS, timeframe).select(SILVER_SCHEMA.names())
    broken: dict[str, str | None] = {}
    for number, (name, check) in enumerate(LEARNER_CHECKS.items()):
        on_stage("trying the contract", number / len(LEARNER_CHECKS))
        try:
            check(learner, bars)
        except ContractError as error:
            broken[name] = error.what
        else:
            broken[name] = None
    return broken
