"""Live = replay, with a person at work: every kind of act, by command and over HTTP, is lived again to the byte."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lived_acts import KINDS, Operator, acts_on_record, every_kind, free_port, hasten, let_pass, live_with, relived
from pawl.ledger.database import Ledger

TESTS = Path(__file__).parent.parent
SETTINGS = f"""
n_jobs = 1
[learners]
tiny = "{TESTS / "hours.py"}"
[rollout]
ab_days = 1
[rollout.plans]
tiny = "reversal"
[ab_test]
min_resolved = 2
"""


def operator_in(home: Path) -> Operator:
    """Whoever acts in a fresh workspace."""
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(SETTINGS)
    return Operator(home=home, learner="tiny", port=free_port())


def counts_of(told: dict[str, Any]) -> dict[str, int]:
    """What was lived, by kind, where all of it was lived again."""
    assert {name: one for name, one in told["facts"].items() if not one["is_identical"]} == {}
    return {name: one["lived"]["n"] for name, one in told["facts"].items()}


def test_every_kind_of_act_is_lived_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_pass(monkeypatch)
    hasten(monkeypatch, timedelta(minutes=15))
    operator = operator_in(tmp_path / "home")
    began = time.monotonic()
    assert live_with(operator, every_kind("tiny"), monkeypatch, "50h") == 0
    lived = time.monotonic() - began
    ledger = Ledger.open(operator.home)
    assert dict(acts_on_record(ledger, "tiny")) == KINDS
    ledger.close()
    code, told = relived(operator.home)
    print(lived, told["seconds"], {n: o["lived"]["n"] for n, o in told["facts"].items()})
    counts = counts_of(told)
    assert code == 0
