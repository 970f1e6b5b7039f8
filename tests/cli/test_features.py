"""`pawl features`: what it prints, how it ends, and what it leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pawl.cli.main import run
from pawl.features import sets
from pawl.features.feature import Feature, FeatureSet
from pawl.features.sets import FEATURE_SETS
from pawl.lake.proofs import ProofRecords
from pawl.lake.silver import SilverStore
from pawl.market.bars import Timeframe
from pawl.market.fingerprint import hash_bars


@pytest.fixture
def home(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A workspace with 90 daily bars of one ticker, and one worker, so that no process is started."""
    first = datetime(2024, 1, 1, tzinfo=UTC)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 90)))
    bars = pl.DataFrame(
        {
            "ticker": "BTCUSDT",
            "ts": [(first + timedelta(days=day)).isoformat() for day in range(90)],
            "open": close,
            "high": close * 1.02,
            "low": close * 0.98,
            "close": close,
            "volume": rng.uniform(1, 2, 90),
        }
    )
    bars.write_csv(tmp_path / "bars.csv")
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("n_jobs = 1\n")
    assert run(["data", "import", str(tmp_path / "bars.csv"), "--timeframe", "1d", "--home", str(home), "--json"]) == 0
    return home


@pytest.fixture
def leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set named `leaking` among the shipped ones."""
    tomorrow = Feature(
        name="tomorrow", expression=lambda: pl.col("close").shift(-1).over("ticker"), inputs=("close",), lookback=1,
        unit="price", meaning="The close of the next bar.",
    )  # fmt: skip
    monkeypatch.setitem(sets.FEATURE_SETS, "leaking", FeatureSet(name="leaking", features=(tomorrow,)))


def test_ls_prints_a_line_for_every_feature(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["features", "ls", "m002", "--home", str(tmp_path)]) == 0
    text = capsys.readouterr().out

    for name in FEATURE_SETS["m002"].names:
        assert f"\n{name} " in text
    assert "Next: pawl features prove m002" in text


def test_ls_as_json_holds_the_declarations(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["features", "ls", "v2", "--home", str(tmp_path), "--json"]) == 0
    payload = json.loads(capsys.readouterr().out)

    assert (payload["feature_set"], payload["lookback"]) == ("v2", 397)
    assert payload["features"][0] == {
        "name": "rsi_14", "kind": "number", "unit": "index 0-100", "lookback": 295, "inputs": ["close"],
        "meaning": "Wilder's relative strength index of 14 bars; 50 where nothing has moved.",
    }  # fmt: skip


def test_the_page_of_features_is_the_one_the_command_writes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "features.md"

    assert run(["features", "ls", "m002", "--markdown", "--home", str(tmp_path)]) == 0
    assert page.read_text() == capsys.readouterr().out, "run: pawl features ls m002 --markdown > docs/features.md"


def test_an_unknown_set_ends_with_2_and_lists_the_known_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["features", "ls", "m003", "--home", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == {
        "code": "not_found", "what": "no feature set `m003`", "where": "feature sets",
        "fix": "take one of: v1, v2, v3, m002, reversal",
    }  # fmt: skip


def test_a_passed_proof_is_told_and_recorded(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["features", "prove", "m002", "--home", str(home), "--json"]) == 0
    payload = json.loads(capsys.readouterr().out)

    assert payload.pop("seconds") > 0
    assert payload == {"feature_set": "m002", "features": 37, "cells": 90 * 37, "mismatches": 0, "near_limit": 0}
    bars = SilverStore(home).scan(Timeframe.parse("1d")).collect()
    assert ProofRecords(home).has(FEATURE_SETS["m002"], hash_bars(bars))


@pytest.mark.usefixtures("leaking")
def test_a_failed_proof_ends_with_1_and_leaves_no_record(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["features", "prove", "leaking", "--home", str(home), "--json"]) == 1
    said = capsys.readouterr()

    assert json.loads(said.out)["mismatches"] == 89
    assert "error: `tomorrow` changed on 89 bars; first BTCUSDT at 2024-01-01" in said.err
    assert not (home / "proofs").exists()


@pytest.mark.usefixtures("leaking")
def test_a_failed_proof_shows_the_feature_and_its_first_offence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["features", "prove", "leaking", "--home", str(home)]) == 1

    assert "NOT proved: leaking, 1 features, 90 values, 89 changed, 0 beside a limit" in capsys.readouterr().out


def test_an_empty_workspace_ends_with_2_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "prove", "m002", "--home", str(tmp_path / "new"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]

    assert error["what"] == "no 1d bars to prove on"
    assert error["fix"] == "import some: pawl data import FILE --timeframe 1d"
