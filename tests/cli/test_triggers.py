"""`pawl triggers audit`: the JSON that was promised, and the text."""

import json
from pathlib import Path

import pytest

from pawl.cli.main import run

KINDS = {"win_rate", "calibration", "volatility", "correlation", "feature_mean", "feature_spread"}


def test_the_triggers_are_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small lives, the real command: both forms of the answer from one audit."""
    import numpy as np

    from pawl.triggers import audit
    from pawl.triggers.trigger_config import TriggerSettings

    tiny = audit.TriggerAuditSize(n_calm=1, calm_days=40, n_changed=1, within=60)
    found = audit.audit_triggers(TriggerSettings(), tiny, np.random.Generator(np.random.PCG64(1)))
    monkeypatch.setattr(audit, "audit_triggers", lambda *_: found)
    run(["triggers", "audit", "--lives", "5", "--json", "--home", str(tmp_path)])
    shown = json.loads(capsys.readouterr().out)
    assert {"false_alarms_per_1000", "kinds"} <= set(shown)
    assert set(shown["kinds"]) == KINDS
    assert all(set(sizes) == {"small", "medium", "large"} for sizes in shown["kinds"].values())
    assert all(set(one) == {"found", "delay"} for sizes in shown["kinds"].values() for one in sizes.values())
    run(["triggers", "audit", "--lives", "5", "--home", str(tmp_path)])
    text = capsys.readouterr().out
    assert "false alarms per 1,000 decisions without a change" in text and "feature spread" in text
