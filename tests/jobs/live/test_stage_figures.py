"""What the signals of a stage say; and every online figure broken on purpose, which the cases must notice."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import stage_cases
from mutants import Mutant, built, mutants
from pawl.jobs.live import stage_figures

SOURCE = Path(stage_figures.__file__).read_text(encoding="utf-8")
MODULE = "stage_figures"
MUTANTS = list(mutants(MODULE, SOURCE, frozenset()))


@pytest.mark.parametrize("check", stage_cases.CHECKS, ids=lambda check: check.__name__)
def test_a_stage_says_what_its_signals_say(check: Callable[[SimpleNamespace], None]) -> None:
    check(SimpleNamespace(**vars(stage_figures)))


def _noticed(mutant: Mutant) -> bool:
    try:
        with built("pawl.jobs.live", {MODULE: SOURCE}, (MODULE,), mutant) as names:
            for check in stage_cases.CHECKS:
                check(names)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - a mutant may break in any way
        return True
    return False


@pytest.mark.parametrize("mutant", [pytest.param(one, id=f"{one.name} {one.line}:{one.column}") for one in MUTANTS])
def test_the_cases_notice_the_broken_figure(mutant: Mutant) -> None:
    assert _noticed(mutant), f"{mutant.name} (line {mutant.line}) goes unseen"
