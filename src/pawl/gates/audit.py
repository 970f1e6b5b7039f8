"""How often the configured online test promotes what is no better, and how soon what is: by simulation.

Every rate is of whole lives, looked at after every block of a horizon far beyond the limit of a shadow stage, so it is
an upper bound for the shorter life that a rollout allows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pawl.errors import TooLittleDataError
from pawl.gates.audit_lives import (
    NEVER,
    Lives,
    live,
    promoted_by_gate,
    promoted_by_naive_mean,
    promoted_by_peeked_z,
)
from pawl.gates.audit_worlds import DECISIONS_A_DAY, DIFFERENCE_SD_BPS, SHARED, day_shock, null_worlds, own_days
from pawl.gates.clopper_pearson import upper_bound
from pawl.gates.sequence_config import SequenceSettings

__all__ = ["AuditSize", "GateAudit", "NullRate", "Power", "TimeToPromote", "audit_gate", "audit_own"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Test = Callable[[Lives, SequenceSettings], Ints]

TESTS: Mapping[str, Test] = {
    "gate": promoted_by_gate,
    "naive": promoted_by_naive_mean,
    "peeked_z": promoted_by_peeked_z,
}
EFFECTS_BPS = (5.0, 10.0, 20.0)
SMALL_EFFECT = 0.1
SMALL_SHOCK = 0.05
FIXED_POWER = 0.80
MIN_OWN_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSize:
    """How much is simulated. n_blocks: looks of a life. days: until which power is counted, the second the limit of a
    shadow stage."""

    n_paths: int = 4000
    n_blocks: int = 400
    days: tuple[int, int] = (30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRate:
    """How often a test promoted what is no better. upper95: one-sided, Clopper and Pearson."""

    false_promotion: float
    upper95: float
    n_paths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How often and how soon a test promoted what is better. within: share, by days. median_days: None if never."""

    within: Mapping[int, float]
    median_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToPromote:
    """Median days at 0.1 deviations, beside the days that a test with one look needs for a power of 80 %."""

    median_days: float | None
    fixed_days: float

    @property
    def ratio(self) -> float | None:
        """Median over fixed; None where most lives end without a promotion."""
        return None if self.median_days is None else self.median_days / self.fixed_days


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAudit:
    """What was measured, by test (gate, naive, peeked_z), then world, then effect."""

    nulls: Mapping[str, Mapping[str, NullRate]]
    power: Mapping[str, Mapping[str, Mapping[str, Power]]]
    times: Mapping[str, TimeToPromote]
    size: AuditSize


def audit_gate(settings: SequenceSettings, size: AuditSize, rng: np.random.Generator) -> GateAudit:
    """Try the configured test and what people use instead of it; a few minutes for the default size.

    The reference of the power: t3, 150 bps, 20 paired decisions a day, correlated 0.8; blocks of one day.
    """
    worlds = null_worlds(settings)
    sources = rng.spawn(len(worlds) + 1)
    nulls: dict[str, dict[str, NullRate]] = {test: {} for test in TESTS}
    kept: dict[str, Lives] = {}
    for world, source in zip(worlds, sources, strict=False):
        lives = live(world, size.n_paths, size.n_blocks, source)
        for name, test in TESTS.items():
            nulls[name][world.name] = _null_rate(test(lives, settings))
        if world.name in ("fat_tails", "shared_shock"):
            kept[world.name] = lives
    shock = day_shock(SMALL_SHOCK)
    kept[shock.name] = live(shock, size.n_paths, size.n_blocks, sources[-1])
    effects = {f"+{bps:g}": bps / DIFFERENCE_SD_BPS for bps in EFFECTS_BPS}
    power = {
        name: {world: _powers(kept[world], effects, test, settings, size) for world in ("fat_tails", shock.name)}
        for name, test in TESTS.items()
    }
    times = {
        world: TimeToPromote(
            median_days=_median(promoted_by_gate(kept[world].better_by(SMALL_EFFECT), settings)),
            fixed_days=_fixed_days(share, settings),
        )
        for world, share in (("fat_tails", 0.0), ("shared_shock", SHARED))
    }
    return GateAudit(nulls=nulls, power=power, times=times, size=size)


def audit_own(
    day_gains_bps: Floats, settings: SequenceSettings, size: AuditSize, rng: np.random.Generator
) -> tuple[NullRate, Mapping[str, Power]]:
    """The same test on a workspace's own days, drawn again: rate where their mean is taken out, power where +bps is put
    in. day_gains_bps: (n_days,) mean paired gain of each day; TooLittleDataError below 30 days that differ.
    """
    if len(day_gains_bps) < MIN_OWN_DAYS or not day_gains_bps.std() > 0.0:
        raise TooLittleDataError(
            f"{len(day_gains_bps)} days of paired outcomes",
            where="gate audit",
            fix=f"wait for {MIN_OWN_DAYS} days that differ; until then the reference distribution holds",
        )
    lives = live(own_days(day_gains_bps), size.n_paths, size.n_blocks, rng)
    effects = {f"+{bps:g}": bps / float(day_gains_bps.std()) for bps in EFFECTS_BPS}
    return _null_rate(promoted_by_gate(lives, settings)), _powers(lives, effects, promoted_by_gate, settings, size)


def _null_rate(promoted_at: Ints) -> NullRate:
    n_promoted, n_paths = int((promoted_at < NEVER).sum()), len(promoted_at)
    return NullRate(false_promotion=n_promoted / n_paths, upper95=upper_bound(n_promoted, n_paths), n_paths=n_paths)


def _powers(
    lives: Lives, effects: Mapping[str, float], test: Test, settings: SequenceSettings, size: AuditSize
) -> dict[str, Power]:
    found = {}
    for name, effect in effects.items():
        at = test(lives.better_by(effect), settings)
        within = {days: float((at <= days).mean()) for days in size.days}
        found[name] = Power(within=within, median_days=_median(at))
    return found


def _median(promoted_at: Ints) -> float | None:
    middle = int(np.sort(promoted_at)[(len(promoted_at) - 1) // 2])
    return None if middle == NEVER else float(middle)


def _fixed_days(shared: float, settings: SequenceSettings) -> float:
    """Days that a one-sided z-test of day means with a known deviation needs, looked at once."""
    normal = NormalDist()
    needed = normal.inv_cdf(1.0 - settings.error_rate) + normal.inv_cdf(FIXED_POWER)
    variance_of_day = shared + (1.0 - shared) / DECISIONS_A_DAY
    return needed**2 * variance_of_day / SMALL_EFFECT**2
