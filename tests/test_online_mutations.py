"""The online gate broken on purpose, one condition at a time, in a copy of its source: the cases must notice each."""

import pytest

import rollout_cases
import sequence_cases
import stage_gate_cases
from mutants import Mutant, built, mutants
from online_gates import MODULES, PACKAGE, SOURCES

CHECKS = {
    "rollout": rollout_cases.CHECKS,
    "rollout_plan": rollout_cases.CHECKS,
    "guard_rails": rollout_cases.CHECKS,
    "paired_sequence": sequence_cases.CHECKS,
    "student_bound": sequence_cases.CHECKS,
    "sequence_config": sequence_cases.CHECKS,
    "day_blocks": sequence_cases.CHECKS,
    "betting": sequence_cases.CHECKS,
    "ab_test": sequence_cases.CHECKS,
    "routing": sequence_cases.CHECKS,
    "stage_gate": stage_gate_cases.CHECKS,
}
"""Which cases must notice the mutants of a module."""

# How figures and reasons are written, and what a refusal advises: tests/gates.
WORDS = frozenset({"_refusal", "_damaged", "name", "_limit_text"})

HARMLESS = {
    "ab_test.arm_of: place < test.traffic_split -> place <= test.traffic_split": "no key stands exactly on the split",
    "routing.route: place_of(candidate, key) < share -> place_of(candidate, key) <= share": "nor on a share",
    "ab_test.decide: b.n_wins * a.n_resolved > a.n_wins * b.n_resolved -> "
    "b.n_wins * a.n_resolved >= a.n_wins * b.n_resolved": "equal rates are never significant",
    "ab_test.decide: p_value is not None -> True": "with enough signals there is a p-value",
    "ab_test.decide: is_enough and p_value is not None and (p_value < settings.significance) -> "
    "without p_value is not None": "with enough signals there is a p-value",
    "betting.WinLossBet.evidence: most < math.log(1e+300) -> most <= math.log(1e+300)": "either decides",
    "betting.WinLossBet.from_json: isinstance(n, int) and n >= 0 and isinstance(mean, float) and "
    "isinstance(purses, list) and is_list -> without isinstance(purses, list)": "is_list holds it already",
    "student_bound.critical_t: room > 0.0 -> room >= 0.0": "no settings leave exactly no room",
}
"""Mutants that judge as the original does, each with the reason."""


def _noticed_by(module: str, mutant: Mutant | None) -> str | None:
    """The first case that fails, or the error it ends in; None when nothing notices."""
    try:
        with built(PACKAGE, SOURCES, MODULES, mutant) as gates:
            for check in CHECKS[module]:
                check(gates)
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - a mutant may break in any way
        return repr(error)
    return None


MUTANTS = [mutant for module in CHECKS for mutant in mutants(module, SOURCES[module], WORDS)]


@pytest.mark.parametrize("module", CHECKS)
def test_the_untouched_copy_passes_every_case(module: str) -> None:
    assert _noticed_by(module, None) is None


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in MUTANTS if one.name not in HARMLESS])
def test_the_cases_notice_the_broken_gate(mutant: Mutant) -> None:
    assert _noticed_by(mutant.module, mutant) is not None, f"{mutant.name} (line {mutant.line}) goes unseen"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_exists_and_is_harmless(name: str) -> None:
    found = [one for one in MUTANTS if one.name == name]
    assert found, "no such mutant any more: take it off the list"
    assert all(_noticed_by(one.module, one) is None for one in found)
