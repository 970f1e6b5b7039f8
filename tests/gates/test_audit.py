"""The audit of the online test: a sample of it with honest tolerances, and the whole of it (marked soak)."""

import numpy as np
import pytest

from pawl.errors import TooLittleDataError
from pawl.gates.audit import AuditSize, GateAudit, audit_gate, audit_own
from pawl.gates.clopper_pearson import upper_bound
from pawl.gates.sequence_config import SequenceSettings

SAMPLE = AuditSize(n_paths=400, n_blocks=200)


@pytest.fixture(scope="module")
def sampled() -> GateAudit:
    return audit_gate(SequenceSettings(), SAMPLE, np.random.Generator(np.random.PCG64(3)))


def test_what_is_no_better_is_rarely_promoted(sampled: GateAudit) -> None:
    """A gate of 5 % shows at most 32 of 400 in 99.7 % of samples; the two that people use show far more."""
    assert set(sampled.nulls["gate"]) == {"fat_tails", "garch", "overlapping_labels", "shared_shock"}
    for one in sampled.nulls["gate"].values():
        assert one.false_promotion <= 0.08 and one.n_paths == 400
        assert one.upper95 == pytest.approx(upper_bound(round(one.false_promotion * 400), 400))
    assert all(0.4 < one.false_promotion < 0.6 for one in sampled.nulls["naive"].values())
    assert all(one.false_promotion > 0.25 for one in sampled.nulls["peeked_z"].values())


def test_what_is_better_is_promoted_soon(sampled: GateAudit) -> None:
    """Power falls with the effect; within what 400 lives can tell, the required figures hold."""
    gate = sampled.power["gate"]
    for world in gate.values():
        shares = [world[effect].within[30] for effect in ("+5", "+10", "+20")]
        assert shares == sorted(shares)
    assert gate["fat_tails"]["+20"].within[30] >= 0.85 - 0.05
    assert gate["day_shock_0.05"]["+20"].within[30] >= 0.80 - 0.06
    assert sampled.times["fat_tails"].fixed_days == pytest.approx(30.9, abs=0.05)
    assert sampled.times["shared_shock"].fixed_days == pytest.approx(148.4, abs=0.05)
    ratio = sampled.times["fat_tails"].ratio
    assert ratio is not None and ratio <= 1.25


def test_a_seed_repeats_to_the_bit() -> None:
    tiny = AuditSize(n_paths=50, n_blocks=40)
    first, second = (audit_gate(SequenceSettings(), tiny, np.random.Generator(np.random.PCG64(9))) for _ in range(2))
    assert first == second
    assert first != audit_gate(SequenceSettings(), tiny, np.random.Generator(np.random.PCG64(10)))


def test_a_lax_gate_is_seen_to_be_one() -> None:
    """The error rate is measured, not assumed: set to 20 %, the audit finds several times more false promotions."""
    size = AuditSize(n_paths=400, n_blocks=200)
    lax = audit_gate(SequenceSettings(error_rate=0.2), size, np.random.Generator(np.random.PCG64(3)))
    assert all(one.false_promotion > 0.08 for one in lax.nulls["gate"].values())


def test_a_workspace_is_audited_on_its_own_days() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    null, power = audit_own(40 + 20 * rng.standard_t(4, 90), SequenceSettings(), SAMPLE, rng)
    assert null.false_promotion <= 0.10
    assert power["+20"].within[60] > power["+5"].within[60]
    for few in (np.ones(100), rng.standard_normal(29)):
        with pytest.raises(TooLittleDataError):
            audit_own(few, SequenceSettings(), SAMPLE, rng)


@pytest.mark.soak
@pytest.mark.parametrize("settings", [SequenceSettings(), SequenceSettings(block_horizons=2, gap_horizons=1)])
def test_the_whole_audit_holds_every_figure_that_is_required(settings: SequenceSettings) -> None:
    found = audit_gate(settings, AuditSize(), np.random.Generator(np.random.PCG64(7)))
    for one in found.nulls["gate"].values():
        assert one.false_promotion <= 0.05 and one.upper95 <= 0.06
    assert found.power["gate"]["fat_tails"]["+20"].within[30] >= 0.85
    assert found.power["gate"]["day_shock_0.05"]["+20"].within[30] >= 0.80
    for times in found.times.values():
        assert times.ratio is not None and times.ratio <= 1.25
