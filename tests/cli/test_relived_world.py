"""Live = replay: a life of `reversal` with its trainings and tests, played from its record, is the same to the byte."""

import json
from pathlib import Path

import pytest

from lived_acts import KINDS, Operator, counts_of, every_kind, let_pass, live_with, relived
from small_life import be_small, live_and_relive


def _compared(out: str) -> dict[str, int]:
    """What was lived, once all of it was lived again: counts by kind."""
    told = json.loads(out.splitlines()[-1])
    assert {name: one for name, one in told["facts"].items() if not one["is_identical"]} == {}
    return {name: one["lived"]["n"] for name, one in told["facts"].items()}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("length", "least"),
    [
        ("60h", {"decisions": 90, "outcomes": 40, "versions": 2, "verdicts": 2, "alias moves": 1, "A/B tests": 1}),
        ("10d", {"decisions": 1001, "outcomes": 501, "versions": 5, "verdicts": 5, "alias moves": 1, "A/B tests": 1}),
    ],
)
def test_days_with_their_trainings_and_tests_are_lived_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    length: str,
    least: dict[str, int],
) -> None:
    """60 hours hold one weekly training and its test, 10 days daily trainings too.

    What `make test` lives of this is in test_relived_world_acts.py, with a smaller learner.
    """
    code = live_and_relive(tmp_path, length, monkeypatch)
    counts = _compared(capsys.readouterr().out)
    assert code == 0
    assert {name: counts[name] for name, n in least.items() if counts[name] < n} == {}


@pytest.mark.soak
def test_days_of_reversal_with_every_kind_of_act_are_lived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weekly training at 25 hours and daily ones at 26 and 50, beside a person who does all that one can do."""
    be_small(tmp_path, monkeypatch, "[rollout]\nab_days = 1\n")
    let_pass(monkeypatch)
    operator = Operator(home=tmp_path, learner="reversal")
    assert live_with(operator, every_kind("reversal", first="3.3", trained_at=25), monkeypatch, "60h") == 0
    assert dict(operator.acts_on_record()) == KINDS
    code, told = relived(tmp_path)
    counts = counts_of(told)
    print(json.dumps(counts))
    assert code == 0
    assert counts["alias moves"] >= 6 and counts["versions"] >= 6 and counts["rollouts"] == counts["A/B tests"] == 4
    assert counts["decisions"] >= 70 and counts["trigger firings"] >= 3
