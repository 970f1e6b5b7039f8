"""`pawl gate audit` and `pawl triggers audit`: the JSON that was promised, the text, and the exit codes."""

import json
from pathlib import Path

import pytest

from pawl.cli.main import run
from pawl.cli.triggers import shortfalls
from pawl.jobs.live.own_gains import own_day_gains
from pawl.ledger.database import Ledger
from pawl.triggers.audit import Found, TriggerAudit, TriggerAuditSize
from rollout_world import Life, better

NULLS = {"fat_tails", "garch", "overlapping_labels", "shared_shock"}


def test_the_gate_is_audited_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["gate", "audit", "--paths", "60", "--seed", "3", "--json", "--home", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert {"nulls", "power", "naive", "peeked_z"} <= set(found)
    for part in (found, found["naive"], found["peeked_z"]):
        assert set(part["nulls"]) == NULLS
        assert all(set(one) == {"false_promotion", "upper95"} for one in part["nulls"].values())
        assert set(part["power"]["fat_tails"]) == {"+5", "+10", "+20"}
    assert set(found["power"]["median_at_0.1_sd"]) == {"fat_tails", "shared_shock"}
    # Sixty lives cannot prove a rate below 6 %: the bound is over the limit by their number alone.
    is_lax = any(one["false_promotion"] > 0.05 or one["upper95"] > 0.06 for one in found["nulls"].values())
    assert code == (1 if is_lax else 0)


def test_the_gate_is_audited_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["gate", "audit", "--paths", "50", "--home", str(tmp_path)])
    shown = capsys.readouterr().out
    for words in ("promotes what is no better in at most", "naive mean", "peeked z", "overlapping labels",
                  "+20 bps, day shock 0.05", "t3, 150 bps, 20 paired decisions a day"):  # fmt: skip
        assert words in shown


def test_own_outcomes_are_audited_without_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a workspace has 300 resolved pairs: false promotions of its own days, and what the test finds on them."""
    ledger = Ledger.open(tmp_path)
    life = Life(ledger)
    life.begin()
    life.live(35, better)
    ledger.close()
    run(["gate", "audit", "--paths", "60", "--seed", "3", "--json", "--home", str(tmp_path)])
    own = json.loads(capsys.readouterr().out)["own"]["m002"]
    assert 34 <= own["days"] <= 36 and 0.0 <= own["false_promotion"] <= own["upper95"] <= 1.0
    assert own["power"]["+20"]["within_60_days"] == 1.0
    run(["gate", "audit", "--paths", "50", "--home", str(tmp_path)])
    assert "Own outcomes, m002: 3" in capsys.readouterr().out


def test_too_few_own_outcomes_leave_it_to_the_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.open(tmp_path)
    life = Life(ledger)
    life.begin()
    life.live(6, better)
    with ledger.reading() as tx:
        assert own_day_gains(tx, life.at) == {}
    life.live(1, better)
    ledger.close()
    run(["gate", "audit", "--paths", "50", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["own"] == {"m002": {"reason": "8 days of paired outcomes"}}


def test_a_number_of_paths_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    assert run(["gate", "audit", "--paths", "3", "--home", str(tmp_path)]) == 2
    assert run(["triggers", "audit", "--lives", "1", "--home", str(tmp_path)]) == 2


def test_a_trigger_audit_names_what_falls_short() -> None:
    good = {"large": Found(found=0.8, delay=10.0)}
    size = TriggerAuditSize()

    def short(rate: float, **kinds: dict[str, Found]) -> list[str]:
        return shortfalls(TriggerAudit(false_alarms_per_1000=rate, by_trigger={}, kinds=kinds, by_chance={}, size=size))

    assert short(5.0, win_rate=good) == []
    assert short(5.1, win_rate=good) == ["5.1 false alarms, 5 allowed"]
    poor = {"large": Found(found=0.79, delay=10.0)}
    assert short(1.0, win_rate=good, volatility=poor) == ["volatility: 79% of the large changes found, 80% asked for"]
