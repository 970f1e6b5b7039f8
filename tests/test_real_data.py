"""Real bars through the command, from the file to the backtest. Skipped, saying so, where the data is absent."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from pawl.cli.main import run
from pawl.jobs.ledgers import replay_ledgers
from pawl.lake.silver import SilverStore
from pawl.ledger.replay_log import newest_trace
from pawl.market.bars import BAR_SCHEMA, Timeframe

Answer = tuple[int, dict[str, Any]]
Pawl = Callable[..., Answer]

DAILY = Timeframe.parse("1d")
TRAINED_ON = ("BTCUSDT", "ETHUSDT", "LTCUSDT")
SMALL = """
n_jobs = 1
[m002]
n_folds = 2
[m002.regime]
hidden = 8
max_epochs = 2
[m002.head]
n_estimators = 30
"""


@pytest.fixture
def pawl(capsys: pytest.CaptureFixture[str]) -> Pawl:
    """Run a command with --json; gives its exit code and its one object."""

    def call(home: Path, *arguments: object) -> Answer:
        capsys.readouterr()
        code = run([*map(str, arguments), "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.fixture(scope="module")
def crypto(shared_data: Path) -> pl.DataFrame:
    return pl.read_parquet(shared_data / "bars" / "crypto_1d.parquet")


@pytest.fixture(scope="module")
def whole(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with every daily bar there is: 25 coins and 47 shares."""
    home = tmp_path_factory.mktemp("whole")
    files = [str(shared_data / "bars" / f"{name}.parquet") for name in ("crypto_1d", "equities_1d")]
    assert run(["data", "import", *files, "--timeframe", "1d", "--home", str(home), "--json"]) == 0
    return home


@pytest.fixture(scope="module")
def small(crypto: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three coins, 2019 to June 2022, and the version m002-1.0, trained to 2022-01-01."""
    home = tmp_path_factory.mktemp("small")
    (home / "settings.toml").write_text(SMALL)
    is_chosen = pl.col("ticker").is_in(TRAINED_ON) & pl.col("ts").is_between(
        datetime(2019, 1, 1, tzinfo=UTC), datetime(2022, 7, 1, tzinfo=UTC), closed="left"
    )
    crypto.filter(is_chosen).write_parquet(home / "bars.parquet")
    order = ["--home", str(home), "--json"]
    assert run(["data", "import", str(home / "bars.parquet"), "--timeframe", "1d", *order]) == 0
    assert run(["train", "m002", "--to", "2022-01-01", *order]) == 0
    return home


def test_every_bar_of_the_files_is_stored_as_it_came(whole: Path, crypto: pl.DataFrame, shared_data: Path) -> None:
    equities = pl.read_parquet(shared_data / "bars" / "equities_1d.parquet")
    stored = SilverStore(whole).scan(DAILY).select(BAR_SCHEMA.names()).collect()
    assert stored.equals(pl.concat([crypto, equities]).sort("ticker", "ts"))


def test_importing_the_same_files_again_changes_nothing(
    pawl: Pawl, whole: Path, crypto: pl.DataFrame, shared_data: Path
) -> None:
    before = SilverStore(whole).content_hash(DAILY)
    file = shared_data / "bars" / "crypto_1d.parquet"
    code, answer = pawl(whole, "data", "import", file, "--timeframe", "1d")
    assert (code, answer["added"], answer["replaced"], answer["quarantined"]) == (0, 0, 0, 0)
    assert answer["unchanged"] == crypto.height
    assert SilverStore(whole).content_hash(DAILY) == before


def test_the_calendars_are_inferred_and_every_ticker_passes_its_checks(
    pawl: Pawl, whole: Path, crypto: pl.DataFrame
) -> None:
    code, answer = pawl(whole, "data", "check")
    assert (code, answer["ok"]) == (0, True)
    assert {one["verdict"] for one in answer["tickers"]} <= {"ok", "warn"}
    coins = {*crypto["ticker"]}
    calendars = {one["ticker"]: one["calendar"] for one in answer["tickers"]}
    assert len(calendars) == 72
    assert {calendars[ticker] for ticker in coins} == {"24/7"}
    assert {code for ticker, code in calendars.items() if ticker not in coins} == {"XNYS"}
    assert all(one["is_inferred"] for one in pawl(whole, "data", "ls")[1]["tickers"])


@pytest.mark.parametrize(
    ("day", "closes_at"),
    [
        (date(2019, 7, 2), 20),  # summer: 16:00 in New York
        (date(2019, 11, 27), 21),  # winter
        (date(2019, 11, 29), 18),  # the day after Thanksgiving closes at 13:00
        (date(2019, 7, 3), 17),  # the day before Independence Day, in summer
        (date(2020, 3, 6), 21),  # the last session before the clocks went forward
        (date(2020, 3, 9), 20),  # and the first after it
    ],
)
def test_a_share_becomes_visible_when_its_session_closes(whole: Path, day: date, closes_at: int) -> None:
    bars = SilverStore(whole).scan(DAILY, ["AAPL", "SPY"]).filter(pl.col("ts").dt.date() == day).collect()
    assert bars["available_at"].to_list() == [datetime(day.year, day.month, day.day, closes_at, tzinfo=UTC)] * 2


def test_a_coin_becomes_visible_at_midnight(whole: Path) -> None:
    bars = SilverStore(whole).scan(DAILY, ["BTCUSDT"]).collect()
    assert set(bars["available_at"] - bars["ts"]) == {timedelta(days=1)}


def test_the_features_are_proved_on_real_bars(pawl: Pawl, crypto: pl.DataFrame, tmp_path: Path) -> None:
    last = crypto.filter(pl.col("ticker").is_in(["BTCUSDT", "DOGEUSDT"])).group_by("ticker").tail(400)
    last.write_parquet(tmp_path / "last.parquet")
    home = tmp_path / "home"
    assert pawl(home, "data", "import", tmp_path / "last.parquet", "--timeframe", "1d")[1]["added"] == 800
    code, answer = pawl(home, "features", "prove", "m002")
    assert (code, answer["mismatches"]) == (0, 0)
    assert answer["cells"] == answer["features"] * 800


def test_a_version_trained_to_a_date_has_read_nothing_after_it(pawl: Pawl, small: Path) -> None:
    code, answer = pawl(small, "train", "m002", "--to", "2022-01-01", "--tickers", ",".join(TRAINED_ON))
    assert code == 0
    certificate = answer["certificate"]
    # The bar of the 31st closes at 2022-01-01 00:00, which is not before it.
    assert certificate["max_ts"] == "2021-12-30T00:00:00+00:00"
    assert certificate["max_t1"] == "2021-12-31T00:00:00+00:00"
    assert {*answer["baselines"]} == {"linear", "lightgbm_no_regime"}
    assert 0 < answer["metrics"]["base_rate"] < 1
    assert answer["left_out"] == {}


def test_the_months_after_it_are_scored_and_reported(pawl: Pawl, small: Path) -> None:
    code, answer = pawl(small, "backtest", "m002-1.0", "--from", "2022-01-15", "--to", "2022-07-01")
    assert code == 0
    assert {"trades", "net_return", "sharpe", "max_drawdown", "hit_rate", "turnover", "ece"} <= {*answer}
    assert 0 <= answer["max_drawdown"] <= 1
    assert 0 <= answer["ece"] <= 1
    assert {*answer["baselines"]} == {"linear", "lightgbm_no_regime"}
    assert Path(answer["report"]).read_bytes() == (small / "report.html").read_bytes()


@pytest.mark.parametrize("start", ["2021-12-31", "2022-01-01", "2022-01-05"])
def test_a_range_that_it_has_read_or_that_touches_the_embargo_is_refused(pawl: Pawl, small: Path, start: str) -> None:
    code, answer = pawl(small, "backtest", "m002-1.0", "--from", start, "--to", "2022-07-01")
    assert code == 2
    assert answer["error"]["code"] == "overlaps_training"
    assert "2022-01-06" in answer["error"]["fix"], "five days lie between it and 2021-12-31"
    assert pawl(small, "backtest", "m002-1.0", "--from", "2022-01-06", "--to", "2022-02-01")[0] == 0


def test_half_a_year_is_replayed_and_a_decision_of_it_derived_again(pawl: Pawl, small: Path) -> None:
    code, answer = pawl(small, "replay", "--from", "2022-01-01", "--to", "2022-07-01", "--window", "730d")
    assert code == 0
    assert answer["decisions"] == 3 * 3 * 181  # policies × tickers × days from 2022-01-02 to 2022-07-01
    assert [one["version"] for one in answer["versions"]] == ["m002-1.0", "m002-1.1"]
    assert answer["versions"][0]["verdict"] == "pass"
    assert all(one["max_t1"] < one["trained_at"] for one in answer["versions"])
    code, state = pawl(small, "status")
    assert [one["ledger_hash"] for one in state["replays"]] == [answer["ledger_hash"]]
    with next(iter(replay_ledgers(small).values())).reading() as tx:
        trace = newest_trace(tx, UUID(answer["replay_id"]))
    code, explained = pawl(small, "explain", trace)
    assert (code, explained["identical"]) == (0, True)
