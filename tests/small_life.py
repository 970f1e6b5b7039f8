"""A small `reversal` in `pawl up`, whose features count as proved: that they are is tested elsewhere."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pawl.cli.main import run
from pawl.jobs import training
from pawl.jobs.live import simulated_market

__all__ = ["be_small", "live_and_relive"]

SETTINGS = """
n_jobs = 1
[reversal]
min_report_rows = 50
[reversal.network]
hidden = 8
max_epochs = 2
batch_size = 64
[reversal.daily]
epochs = 2
min_sequences = 10
min_validation_rows = 40
[reversal.boosted]
n_estimators = 10
min_child_samples = 20
"""
HISTORY = timedelta(days=33)
"""So that a life begins on a Saturday, and a weekly training comes on its second day."""


def live_and_relive(home: Path, length: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Live for a time at full speed, then play it again; the exit code of that."""
    be_small(home, monkeypatch)
    assert run(["up", "reversal", "--speed", "max", "--for", length, "--home", str(home), "--port", "0", "--json"]) == 0
    return run(["relive", "--home", str(home), "--json"])


def be_small(home: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    """A workspace, and a code, in which the loop is small. more: settings beside its own."""
    monkeypatch.setattr(training, "require_proof", lambda *arguments: None)
    market = replace(simulated_market.MARKETS["reversal"], history=HISTORY)
    monkeypatch.setitem(simulated_market.MARKETS, "reversal", market)  # type: ignore[arg-type]
    (home / "settings.toml").write_text(SETTINGS + more)
