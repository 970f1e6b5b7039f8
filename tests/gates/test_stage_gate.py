"""What a stage asks of a candidate; tests/test_online_mutations.py breaks each condition on purpose."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

import online_gates
import stage_gate_cases


@pytest.mark.parametrize("check", stage_gate_cases.CHECKS, ids=lambda check: check.__name__)
def test_a_stage_is_judged_as_it_should_be(check: Callable[[SimpleNamespace], None]) -> None:
    check(online_gates.real())
