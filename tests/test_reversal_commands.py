"""reversal through the commands, on two simulated pairs: list, train, backtest, replay, explain."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from pawl.cli.main import run
from pawl.features.sets import FEATURE_SETS
from pawl.jobs.ledgers import replay_ledgers
from pawl.lake.proofs import ProofRecords
from pawl.lake.silver import SilverStore
from pawl.learners import reversal as module
from pawl.ledger.database import Ledger
from pawl.ledger.replay_log import newest_trace
from pawl.ledger.training_tables import train_jobs
from pawl.market.bars import Timeframe
from pawl.models.reversal_training import TrainedReversal

Answer = tuple[int, Any]
Pawl = Callable[..., Answer]

SMALL = """
n_jobs = 1
[costs]
fee_bps = 0.2
slippage_bps = 0.3
[reversal.network]
hidden = 8
max_epochs = 2
batch_size = 64
[reversal.boosted]
n_estimators = 10
"""
QUARTERS = Timeframe.parse("15m")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five weeks of two pairs, whose features count as proved: that the proof passes is tested in features/."""
    home = tmp_path_factory.mktemp("fx")
    (home / "settings.toml").write_text(SMALL)
    span = ["--from", "2025-03-03", "--to", "2025-04-05"]
    pairs = ["--tickers", "EURUSD,USDJPY", "--timeframe", "15m", "--calendar", "fx"]
    assert run(["data", "backfill", "--source", "simulated", *pairs, *span, "--home", str(home), "--json"]) == 0
    content = SilverStore(home).content_hash(QUARTERS)
    ProofRecords(home).put(FEATURE_SETS["reversal"], content)
    assert run(["train", "reversal", "--to", "2025-03-22", "--home", str(home), "--json"]) == 0
    return home


@pytest.fixture
def pawl(home: Path, capsys: pytest.CaptureFixture[str]) -> Pawl:
    """Run a command with --json; gives its exit code and its one object."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = run([*arguments, "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def test_the_first_version_follows_3_2_and_stands_beside_its_baselines(pawl: Pawl) -> None:
    code, answer = pawl("versions")
    assert code == 0
    assert answer[0]["version"] == "reversal-3.3"


def test_the_38_features_are_listed_with_their_look_back(pawl: Pawl) -> None:
    code, answer = pawl("features", "ls", "reversal")
    assert (code, len(answer["features"]), answer["lookback"]) == (0, 38, 599)


def test_rev_r3_the_set_is_proved_on_its_own_bars_without_being_told_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.toml").write_text("n_jobs = 1\n")
    order = ["--from", "2025-03-03", "--to", "2025-03-04", "--tickers", "EURUSD", "--timeframe", "15m"]
    where = ["--home", str(tmp_path), "--json"]
    assert run(["data", "backfill", "--source", "simulated", "--calendar", "fx", *order, *where]) == 0
    capsys.readouterr()
    assert run(["features", "prove", "reversal", *where]) == 0
    proof = json.loads(capsys.readouterr().out)
    assert (proof["features"], proof["mismatches"], proof["cells"]) == (38, 0, 38 * 96)


def test_rev_r24_a_backtest_of_what_it_has_read_is_refused_and_of_later_bars_is_not(pawl: Pawl) -> None:
    code, refused = pawl("backtest", "reversal-3.3", "--from", "2025-03-20", "--to", "2025-04-04")
    assert (code, refused["error"]["code"]) == (2, "overlaps_training")
    code, answer = pawl("backtest", "reversal-3.3", "--to", "2025-04-04")
    assert code == 0
    assert set(answer["baselines"]) == {"linear", "lightgbm"}
    assert answer["trades"] == answer["fields"]["total_trades"] > 0
    assert set(answer["fields"]) == {
        "total_trades", "winning_trades", "win_rate", "total_pnl", "avg_pnl", "sharpe_ratio", "max_drawdown",
    }  # fmt: skip
    # 20 bars lie between the last bar it read and the first one scored.
    assert answer["from"].startswith("2025-03-24T02:1")


def test_rev_r41_a_training_that_crashes_is_marked_failed_and_goes_on_from_its_checkpoint(
    home: Path, pawl: Pawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (home / "settings.toml").read_text()
    (home / "settings.toml").write_text(settings.replace("max_epochs = 2", "max_epochs = 2\ncheckpoint_every = 1"))
    trained = module.train_reversal
    epochs: list[int] = []

    def crash(*arguments: Any) -> TrainedReversal:
        *others, run = arguments

        def on_epoch(n_epochs: int) -> None:
            epochs.append(n_epochs)
            if len(epochs) == 1:
                raise RuntimeError("the machine went away")

        return trained(*others, replace(run, on_epoch=on_epoch))

    monkeypatch.setattr(module, "train_reversal", crash)
    before = pawl("versions")[1]
    code, _ = pawl("train", "reversal", "--to", "2025-03-21")
    assert code != 0
    with Ledger.open(home).reading() as tx:
        jobs = tx.execute(sa.select(train_jobs.c.target_model_version, train_jobs.c.status, train_jobs.c.error_message))
        assert ("reversal-3.4", "failed", "the machine went away") in [tuple(job) for job in jobs]
    assert pawl("versions")[1] == before, "what was there still is, and nothing came of it"
    code, answer = pawl("train", "reversal", "--to", "2025-03-21")
    (home / "settings.toml").write_text(settings)
    assert (code, answer["version"]) == (0, "reversal-3.5")
    assert epochs == [1, 2], "the first epoch was not trained again"


def test_weeks_are_replayed_and_a_decision_of_them_derived_again(home: Path, pawl: Pawl) -> None:
    week = ["--learner", "reversal", "--from", "2025-03-22", "--to", "2025-04-04"]
    code, answer = pawl("replay", *week)
    assert code == 0
    assert [one["version"] for one in answer["versions"]] == ["reversal-3.3", "reversal-3.4"]
    assert pawl("replay", *week)[1]["ledger_hash"] == answer["ledger_hash"], "the same inputs, the same bytes"
    with next(iter(replay_ledgers(home).values())).reading() as tx:
        trace = newest_trace(tx, UUID(answer["replay_id"]))
    code, explained = pawl("explain", str(trace))
    assert (code, explained["identical"]) == (0, True)


def test_v3_3_is_as_good_a_name_on_the_command_line_and_is_what_people_read(
    home: Path, pawl: Pawl, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pawl("gate", "explain", "v3.3")[1] == pawl("gate", "explain", "reversal-3.3")[1]
    code, answer = pawl("gate", "explain", "v3.99")
    assert (code, answer["error"]["where"]) == (2, "ledger")
    assert pawl("versions")[1][0]["version"] == "reversal-3.3", "what is stored has its whole name"
    assert run(["versions", "--home", str(home)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "v3.3"


def test_a_fortnight_is_replayed_by_the_calendar(pawl: Pawl) -> None:
    fortnight = ["replay", "--learner", "reversal", "--from", "2025-03-22", "--to", "2025-04-04"]
    code, answer = pawl(*fortnight, "--cadence", "weekly")
    assert code == 0
    assert [one["event"][:17] for one in answer["verdicts"]] == [
        "first@2025-03-22T", "weekly@2025-03-23", "weekly@2025-03-30",
    ]  # fmt: skip
    assert set(answer["policies"]) == {"gated", "always", "frozen"}
    assert pawl(*fortnight, "--cadence", "hourly")[0] == 2
    assert pawl("replay", "--from", "2025-03-22", "--to", "2025-04-04", "--cadence", "full")[0] == 2
