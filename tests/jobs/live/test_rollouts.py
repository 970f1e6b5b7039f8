"""Rollouts driven from the ledger: PASS-R31 to R33 as a process, REV-R26 and R31."""

import numpy as np
import pytest

from pawl.jobs.live.rollouts import tick_rollouts
from pawl.ledger.database import Ledger
from rollout_world import NEW, OLD, Life, Said, standing


def test_debug(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger)
    life.begin()
    print(standing(sqlite_ledger))
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.001, size=(100_000,))

    def better(version, number):
        return Said(pnl=float(noise[number] + (0.001 if version == NEW else 0.0)))
    for _ in range(40):
        life.live(1, better)
        found = tick_rollouts(life.world, life.at)
        print(life.at, standing(sqlite_ledger), found and found.state.reason)
