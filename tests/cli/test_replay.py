"""`pawl replay` as other tools call it, and as a person reads it."""

import shutil
from pathlib import Path

import pytest

from pawl.cli.main import run
from small_workspace import REPLAY, SMALL_SETTINGS, Ask, prepare


def test_the_answer_holds_what_is_promised(tmp_path: Path, replayed: Path, ask: Ask) -> None:
    home = tmp_path / "copy"
    shutil.copytree(replayed, home)
    shutil.rmtree(home / "cache")  # every fit is made anew, on two workers where there was one
    (home / "settings.toml").write_text(SMALL_SETTINGS.replace("n_jobs = 1", "n_jobs = 2"))
    code, answer = ask(home, *REPLAY)
    assert code == 0
    assert {"decisions", "ledger_hash", "policies", "differences", "versions", "seconds"} <= {*answer}
    assert list(answer["policies"]) == ["gated", "always", "frozen"]
    figures = {"net_return", "sharpe", "max_drawdown", "hit_rate", "turnover", "promotions", "refusals", "rollbacks"}
    assert all({*one} == figures for one in answer["policies"].values())
    assert {*answer["differences"]} == {"gated_minus_always", "gated_minus_frozen"}
    assert all({*one} == {"bps_per_decision", "low", "high"} for one in answer["differences"].values())
    keys = {"version", "trained_at", "max_t1", "dataset_hash", "verdict", "reasons"}
    assert all({*one} == keys for one in answer["versions"])
    assert answer["decisions"] == 3 * 2 * 184
    _, state = ask(home, "status")
    assert len(state["replays"]) == 2
    assert {one["ledger_hash"] for one in state["replays"]} == {answer["ledger_hash"]}


def test_a_person_reads_the_policies_the_difference_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*REPLAY, "--home", str(prepare(tmp_path))]) == 0
    printed = capsys.readouterr()
    assert "gated minus always" in printed.out
    assert "Next: pawl gate explain m002-1.2 --replay" in printed.out
    assert "pawl explain " in printed.out
    timeline = [line for line in printed.err.splitlines() if line.startswith("2022-")]
    assert timeline[0].split()[:3] == ["2022-03-01", "m002-1.0", "promoted"]
    assert len(timeline) == 3
    assert printed.err.count("by its end: gated ") == 3


@pytest.mark.parametrize(
    ("changed", "code", "fix"),
    [
        (["--from", "2021-06-01"], "too_little_data", "start at 2022-02-06 or later"),
        (["--to", "2022-01-01"], "bad_input", "choose a later --to"),
        (["--from", "2023-06-01", "--to", "2023-09-01"], "too_little_data", "earlier range"),
        (["--retrain-every", "0d"], "bad_input", "choose a day or more"),
        (["--retrain-every", "weekly"], "bad_input", "91d"),
        (["--policies", "gated,best"], "bad_input", "gated, always, frozen"),
        (["--window", "0d"], "bad_input", "like 730d"),
        (["--tickers", "NOPE"], "not_found", "pawl data ls"),
        (["--learner", "nope"], "not_found", "m002"),
    ],
)
def test_what_cannot_be_replayed_is_one_error_and_leaves_nothing(
    replayed: Path, ask: Ask, changed: list[str], code: str, fix: str
) -> None:
    before = sorted(path.name for path in (replayed / "replays").iterdir() if path.is_dir())
    exit_code, answer = ask(replayed, *REPLAY, *changed)
    assert exit_code == 2
    assert answer["error"]["code"] == code
    assert fix in answer["error"]["fix"]
    assert sorted(path.name for path in (replayed / "replays").iterdir() if path.is_dir()) == before
