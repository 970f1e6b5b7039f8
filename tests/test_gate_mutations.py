"""The gate broken on purpose, in every way below, in a copy of its source: the cases must notice each."""

import re
from pathlib import Path

import pytest

import pawl.gates
from gate_cases import CASES, CHECKS, failing
from mutants import Mutant, built, mutants

PACKAGE = "pawl.gates"
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in Path(pawl.gates.__path__[0]).glob("[a-z]*.py")}
# In the order of their imports; the text of a verdict is tested in tests/gates, not here.
MODULES = ("figure", "condition", "wording", "verdict", "gate", "policy_gate")
MUTATED = ("figure", "condition", "verdict", "gate", "policy_gate")
# What they do is seen where a gate is made or printed: tests/gates.
WORDS = frozenset({"__post_init__", "sign", "breach", "_require_allowance", "_require_sample", "_bad", "reasons"})

HARMLESS = {
    "condition.Condition.is_met: challenger > limit -> challenger >= limit": "equality passes beside it already",
    "condition.Condition.is_met: challenger < limit -> challenger <= limit": "equality passes beside it already",
    "gate._judge_condition: not isinstance(champion, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_condition: not isinstance(challenger, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_floor: not isinstance(challenger, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_condition: faults or not isinstance(champion, Figure) or (not isinstance(challenger, Figure)) -> "
    "without not isinstance(champion, Figure)": "what is no figure is a fault already",
    "gate._judge_condition: faults or not isinstance(champion, Figure) or (not isinstance(challenger, Figure)) -> "
    "without not isinstance(challenger, Figure)": "what is no figure is a fault already",
    "gate._judge_floor: faults or not isinstance(challenger, Figure) -> "
    "without not isinstance(challenger, Figure)": "what is no figure is a fault already",
}
"""Mutants that judge as the original does, each with the reason."""


def _noticed_by(mutant: Mutant | None) -> str | None:
    """The first case whose result differs, or that ends in an error; None when nothing notices."""
    try:
        with built(PACKAGE, SOURCES, MODULES, mutant) as gates:
            for case in CASES:
                failed, reasons = failing(case, gates)
                if failed != case.fails or not re.search(case.because, reasons, re.DOTALL):
                    return case.name
            for check in CHECKS:
                check(gates)
    except Exception as error:  # noqa: BLE001 - a mutant may break in any way, and each way is noticed
        return repr(error)
    return None


MUTANTS = [mutant for module in MUTATED for mutant in mutants(module, SOURCES[module], WORDS)]


def test_the_untouched_copy_passes_every_case() -> None:
    assert _noticed_by(None) is None


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in MUTANTS if one.name not in HARMLESS])
def test_the_suite_notices_the_broken_gate(mutant: Mutant) -> None:
    assert _noticed_by(mutant) is not None, f"{mutant.name} (line {mutant.line}) goes unseen"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_exists_and_is_harmless(name: str) -> None:
    found = [one for one in MUTANTS if one.name == name]
    assert found, "no such mutant any more: take it off the list"
    assert all(_noticed_by(one) is None for one in found)


@pytest.mark.parametrize(
    "change",
    [
        "policy_conditions: dropped _condition('hit_rate'",
        "policy_conditions: dropped Condition(metric='pnl_bps'",
        "policy_conditions: dropped Condition(metric='max_drawdown'",
        "policy_conditions: dropped _condition('risk_violation_rate'",
        "policy_conditions: dropped _condition('ece'",
        "policy_gate: dropped gain",
        "policy_gate: dropped sharpe",
        "is_met: challenger > limit -> challenger < limit",
        "is_met: math.isclose(challenger, limit, rel_tol=ROUNDING) -> False",
        "_value_fault: math.isfinite(measured.value) -> True",
        "limit: champion - allowance -> left side alone",
        "limit: champion + allowance -> left side alone",
        "_sample_fault: n >= one.min_sample -> True",
        "_sample_fault: n >= one.min_sample -> n > one.min_sample",
    ],
)
def test_each_way_to_break_a_condition_is_among_the_mutants(change: str) -> None:
    assert [one for one in MUTANTS if change in one.name and one.name not in HARMLESS]
