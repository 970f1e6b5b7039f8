"""`pawl data`, from the command line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pawl.cli.main import run
from pawl.market.dirt import Dirt
from pawl.market.simulated import MarketSpec, simulate

Pawl = Callable[..., tuple[int, str, str]]
START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def bars() -> pl.DataFrame:
    return simulate(MarketSpec(tickers=("A", "B"), start=START, n_bars=800), np.random.default_rng(1)).bars


@pytest.fixture
def pawl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Pawl:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([*map(str, arguments), "--home", str(tmp_path / "home")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_import_answers_with_exactly_five_keys_and_again_with_nothing_new(
    pawl: Pawl, bars: pl.DataFrame, tmp_path: Path
) -> None:
    bars.write_parquet(tmp_path / "bars.parquet")
    code, out, _ = pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d", "--json")
    assert code == 0
    assert json.loads(out) == {"added": 1600, "replaced": 0, "unchanged": 0, "quarantined": 0, "tickers": ["A", "B"]}
    code, out, _ = pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d", "--json")
    assert json.loads(out) == {"added": 0, "replaced": 0, "unchanged": 1600, "quarantined": 0, "tickers": ["A", "B"]}


def test_import_tells_people_the_calendar_and_the_next_command(pawl: Pawl, bars: pl.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bars.filter(pl.col("ticker") == "A").write_parquet(folder / "a.parquet")
    bars.filter(pl.col("ticker") == "B").write_ipc(folder / "b.feather")
    code, out, _ = pawl("data", "import", folder, "--timeframe", "1d")
    assert code == 0
    assert out.splitlines() == [
        "1,600 bars added, 0 replaced, 0 unchanged, 0 quarantined; 2 tickers.",
        "  calendar 24/7 (inferred) for 2 tickers",
        "Next: pawl data check --timeframe 1d",
    ]


def test_one_wrong_file_among_many_stops_the_import_before_anything_is_written(
    pawl: Pawl, bars: pl.DataFrame, tmp_path: Path
) -> None:
    bars.write_parquet(tmp_path / "a.parquet")
    bars.with_columns(venue=pl.lit("x")).write_parquet(tmp_path / "b.parquet")
    code, out, _ = pawl("data", "import", tmp_path / "a.parquet", tmp_path / "b.parquet", "--timeframe", "1d", "--json")
    assert code == 2
    error = json.loads(out)["error"]
    assert error["code"] == "bad_schema"
    assert error["what"] == "unknown column `venue`"
    assert error["where"].endswith("b.parquet")
    assert "ticker, ts, open, high, low, close, volume" in error["fix"]
    assert json.loads(pawl("data", "ls", "--json")[1]) == {"tickers": []}


def test_the_timeframe_is_mandatory(pawl: Pawl, tmp_path: Path) -> None:
    assert pawl("data", "import", tmp_path)[0] == 2


def test_dirty_bars_are_quarantined_and_fail_the_check(pawl: Pawl, tmp_path: Path) -> None:
    spec = MarketSpec(tickers=("A", "B"), start=START, n_bars=800, dirt=Dirt())
    dirty = simulate(spec, np.random.default_rng(1)).bars
    dirty.write_parquet(tmp_path / "bars.parquet")
    imported = json.loads(pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d", "--json")[1])
    assert imported["quarantined"] == 2 * (2 + 2 * 2)
    assert imported["added"] == dirty.height - imported["quarantined"]
    code, out, _ = pawl("data", "check", "--json")
    report = json.loads(out)
    assert code == 1 and report["ok"] is False
    first = report["tickers"][0]
    assert (first["ticker"], first["timeframe"], first["calendar"], first["verdict"]) == ("A", "1d", "24/7", "fail")
    checks = {finding["check"]: finding for finding in first["findings"]}
    assert checks["suspicious_spikes"]["severity"] == "fail" and checks["gaps"]["severity"] == "warn"
    assert pawl("data", "check")[1].startswith("2 of 2 tickers fail and may not be trained on")


def test_clean_bars_pass_the_check(pawl: Pawl, bars: pl.DataFrame, tmp_path: Path) -> None:
    bars.write_parquet(tmp_path / "bars.parquet")
    pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d")
    code, out, _ = pawl("data", "check", "--timeframe", "1d", "--json")
    assert code == 0 and json.loads(out)["ok"] is True
    assert pawl("data", "check", "--calendar", "XNYS")[0] == 1
    assert pawl("data", "check", "--calendar", "moon")[0] == 2


def test_a_limit_is_a_setting(pawl: Pawl, bars: pl.DataFrame, tmp_path: Path) -> None:
    day = pl.col("ts").dt.ordinal_day()
    bars.filter(~day.is_between(50, 90)).write_parquet(tmp_path / "bars.parquet")
    pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d")
    assert pawl("data", "check")[0] == 1
    (tmp_path / "home" / "settings.toml").write_text("[quality]\nmax_gap_days = 60\nmax_missing_share = 0.2\n")
    assert pawl("data", "check")[0] == 0


def test_ls_shows_calendars_and_spans(pawl: Pawl, bars: pl.DataFrame, tmp_path: Path) -> None:
    bars.write_parquet(tmp_path / "bars.parquet")
    pawl("data", "import", tmp_path / "bars.parquet", "--timeframe", "1d", "--calendar", "24/7")
    listed = json.loads(pawl("data", "ls", "--json")[1])["tickers"]
    assert listed[0] == {
        "ticker": "A",
        "timeframe": "1d",
        "calendar": "24/7",
        "is_inferred": False,
        "rows": 800,
        "first": "2020-01-01T00:00:00+00:00",
        "last": (START + timedelta(days=799)).isoformat(),
    }
    assert "2 series" in pawl("data", "ls")[1]


def test_backfill_fills_from_the_simulated_market_and_then_finds_nothing_to_do(pawl: Pawl) -> None:
    order = ("data", "backfill", "--source", "simulated", "--tickers", "A,B", "--timeframe", "1d")
    span = ("--from", "2020-01-01", "--to", "2020-03-01", "--json")
    assert json.loads(pawl(*order, *span)[1]) == {
        "added": 120, "replaced": 0, "unchanged": 0, "quarantined": 0, "tickers": ["A", "B"],
    }  # fmt: skip
    assert json.loads(pawl(*order, *span)[1])["added"] == 0
    longer = ("--from", "2020-01-01", "--to", "2020-03-03", "--json")
    assert json.loads(pawl(*order, *longer)[1])["added"] == 4


def test_backfill_refuses_a_source_it_does_not_know(pawl: Pawl) -> None:
    code, out, _ = pawl(
        "data", "backfill", "--source", "ouija", "--tickers", "A", "--timeframe", "1d", "--from", "2020-01-01", "--json"
    )
    assert code == 2 and "ccxt, binance, yfinance, simulated" in json.loads(out)["error"]["fix"]


@pytest.mark.parametrize(
    ("file", "timeframe", "n_tickers"), [("crypto_1d", "1d", 25), ("equities_1d", "1d", 47), ("fx_15m", "15m", 5)]
)
def test_the_real_files_go_in_and_pass(
    pawl: Pawl, shared_data: Path, file: str, timeframe: str, n_tickers: int
) -> None:
    path = shared_data / "bars" / f"{file}.parquet"
    imported = json.loads(pawl("data", "import", path, "--timeframe", timeframe, "--json")[1])
    assert imported["added"] == pl.scan_parquet(path).select(pl.len()).collect().item()
    assert imported["quarantined"] == 0
    code, out, _ = pawl("data", "check", "--json")
    report = json.loads(out)
    assert code == 0 and report["ok"] is True
    assert len(report["tickers"]) == n_tickers
