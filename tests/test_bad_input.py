"""Bad input through the command: one clear error and exit code 2, or quarantine; what stood before still stands.

A disk that fills up in the middle of a write is tried where the writing is done, at every step of it: the silver store
(tests/lake/test_silver_crashes.py, beside kill -9), one file (tests/lake/test_atomic.py), artifacts
(tests/registry/test_artifacts.py), a training (tests/jobs/test_training.py) and the page (tests/reports/test_write.py).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pawl.cli.main import run
from pawl.jobs.workspace import Workspace
from pawl.lake.silver import SilverStore
from pawl.market.simulated import MarketSpec, simulate
from small_workspace import DAILY, SMALL_SETTINGS, START, fill, vouch

Answer = tuple[int, dict[str, Any]]
Change = Callable[[pl.DataFrame], pl.DataFrame]
Pawl = Callable[..., Answer]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with sound bars of AAA and BBB."""
    home = tmp_path / "home"
    fill(Workspace.at(home))
    return home


@pytest.fixture
def pawl(home: Path, capsys: pytest.CaptureFixture[str]) -> Pawl:
    """Run a command with --json; gives its exit code and the one object on stdout. No bar is lost, whatever it is."""

    def call(*arguments: object) -> Answer:
        before = SilverStore(home).content_hash(DAILY)
        code = run([*map(str, arguments), "--home", str(home), "--json"])
        assert SilverStore(home).content_hash(DAILY) == before
        return code, json.loads(capsys.readouterr().out)

    return call


def bars(ticker: str = "AAA", n: int = 30) -> pl.DataFrame:
    """Sound bars of another price than those that are stored."""
    spec = MarketSpec(tickers=(ticker,), start=START, n_bars=n)
    return simulate(spec, np.random.default_rng(99)).bars


def daily_at(hours: int) -> Change:
    return lambda frame: frame.with_columns(ts=START + timedelta(hours=hours) * pl.int_range(pl.len()))


def without_zone(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("ts").dt.replace_time_zone(None))


@pytest.mark.parametrize(
    ("change", "what", "fix"),
    [
        (lambda frame: frame.with_columns(venue=pl.lit("x")), "unknown column `venue`", "drop the others"),
        (lambda frame: frame.drop("close"), "missing column `close`", "rename yours"),
        (daily_at(1), "the bars are not 1d long: most of them open 1:00:00 apart", "--timeframe"),
        (
            lambda frame: frame.with_columns(pl.col("ts").dt.replace_time_zone(None)),
            "carry no zone",
            "write them in UTC",
        ),
        (lambda frame: frame.clear(), "the file holds no rows", "export it again"),
    ],
    ids=["unknown column", "missing column", "wrong timeframe", "naive timestamps", "no rows"],
)
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_wrong_file_is_one_error_that_names_it(
    pawl: Pawl, tmp_path: Path, change: Change, what: str, fix: str, ending: str
) -> None:
    file = tmp_path / f"wrong.{ending}"
    wrong = change(bars())
    wrong.write_parquet(file) if ending == "parquet" else wrong.write_csv(file)
    code, answer = pawl("data", "import", file, "--timeframe", "1d")
    assert code == 2
    error = answer["error"]
    assert {*error} == {"code", "what", "where", "fix"}
    assert error["code"] == "bad_schema"
    assert what in error["what"]
    assert error["where"] == str(file)
    assert fix in error["fix"]


@pytest.mark.parametrize("name", ["empty.csv", "empty.parquet", "empty.feather"])
def test_an_empty_file_is_refused(pawl: Pawl, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    code, answer = pawl("data", "import", tmp_path / name, "--timeframe", "1d")
    assert (code, answer["error"]["code"], answer["error"]["where"]) == (2, "bad_schema", str(tmp_path / name))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_half_written_parquet_is_refused_with_the_sound_file_beside_it(
    pawl: Pawl, tmp_path: Path, share: float
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    bars().write_parquet(folder / "sound.parquet")
    content = (folder / "sound.parquet").read_bytes()
    (folder / "torn.parquet").write_bytes(content[: int(len(content) * share)])
    code, answer = pawl("data", "import", folder, "--timeframe", "1d")
    assert code == 2
    assert "may be half-written" in answer["error"]["what"]
    assert answer["error"]["where"].endswith("torn.parquet")


def refused_rows(home: Path) -> pl.DataFrame:
    return SilverStore(home).quarantine.read(DAILY)


def test_duplicate_bars_with_different_prices_are_both_set_aside(pawl: Pawl, home: Path, tmp_path: Path) -> None:
    one = bars().head(1)
    twice = pl.concat([one, one.with_columns(pl.col("close") * 1.0001)])
    twice.write_parquet(tmp_path / "twice.parquet")
    code, answer = pawl("data", "import", tmp_path / "twice.parquet", "--timeframe", "1d")
    assert (code, answer["quarantined"], answer["added"], answer["replaced"]) == (0, 2, 0, 0)
    kept = refused_rows(home)
    assert kept["reason"].to_list() == ["conflicting_duplicate"] * 2
    assert kept.select(twice.columns).sort("close").equals(twice.sort("close"))


@pytest.mark.parametrize("price", [-1.0, 0.0])
def test_a_price_that_is_not_positive_is_set_aside_as_it_came(
    pawl: Pawl, home: Path, tmp_path: Path, price: float
) -> None:
    wrong = bars().head(1).with_columns(low=pl.lit(price))
    wrong.write_parquet(tmp_path / "wrong.parquet")
    code, answer = pawl("data", "import", tmp_path / "wrong.parquet", "--timeframe", "1d")
    assert (code, answer["quarantined"], answer["added"], answer["replaced"]) == (0, 1, 0, 0)
    assert refused_rows(home)["reason"].to_list() == ["non_positive_price"]
    assert refused_rows(home).select(wrong.columns).equals(wrong)


def test_a_ticker_shorter_than_the_look_back_is_one_error(pawl: Pawl, home: Path) -> None:
    code, answer = pawl("train", "m002", "--to", START + timedelta(days=120))
    assert (code, answer["error"]["code"]) == (2, "too_little_data")
    assert "AAA has 119 bars, fewer than 260" in answer["error"]["what"]


def test_a_short_ticker_beside_long_ones_is_left_out_and_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.at(home)
    workspace.silver.merge(bars("NEW", 100), DAILY, None, source="test", now=datetime(2024, 1, 1, tzinfo=UTC))
    vouch(workspace)
    (home / "settings.toml").write_text(SMALL_SETTINGS)
    assert run(["train", "m002", "--to", "2022-10-01", "--home", str(home), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["left_out"] == {"NEW": "has 100 bars, fewer than 260"}


@pytest.mark.parametrize(
    "command",
    [["data", "ls"], ["data", "check"], ["features", "prove", "m002"], ["train", "m002"], ["backtest", "m002-1.0"]],
    ids=" ".join,
)
def test_an_unknown_settings_key_stops_every_command(pawl: Pawl, home: Path, command: list[str]) -> None:
    (home / "settings.toml").write_text("[m002.regime]\nhiden = 64\n")
    code, answer = pawl(*command)
    assert (code, answer["error"]["code"]) == (2, "bad_settings")
    assert "`m002.regime.hiden`" in answer["error"]["what"]
    assert answer["error"]["where"] == str(home / "settings.toml")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the version m002-1.0."""
    home = tmp_path_factory.mktemp("trained")
    (home / "settings.toml").write_text(SMALL_SETTINGS)
    fill(Workspace.at(home))
    assert run(["train", "m002", "--to", "2022-10-01", "--home", str(home), "--json"]) == 0
    return home


def backtest(home: Path, capsys: pytest.CaptureFixture[str]) -> Answer:
    capsys.readouterr()
    code = run(["backtest", "m002-1.0", "--to", "2022-12-01", "--home", str(home), "--json"])
    return code, json.loads(capsys.readouterr().out)


def blobs_of_the_version(home: Path) -> dict[str, Path]:
    """Every file of m002-1.0 and its baselines, by name, and their manifest."""
    workspace = Workspace.at(home)
    artifact = workspace.versions.get("m002-1.0").artifact
    manifest = workspace.artifacts.path_of(artifact)
    files = json.loads(manifest.read_bytes())
    return {"manifest": manifest, **{name: workspace.artifacts.path_of(digest) for name, digest in files.items()}}


def flip_a_byte(path: Path) -> bytes:
    """Change one byte in the middle; gives what stood there."""
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    return sound


def test_a_flipped_byte_in_any_file_of_a_version_refuses_the_backtest(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = blobs_of_the_version(trained)
    assert {"m002/regime.safetensors", "m002/regime.json", "m002/m002.json", "manifest"} <= {*blobs}
    assert len(blobs) > 8
    for name, path in blobs.items():
        sound = flip_a_byte(path)
        code, answer = backtest(trained, capsys)
        path.write_bytes(sound)
        assert code == 2, name
        assert answer["error"]["code"] == "corrupt_artifact"
        assert "its bytes were changed" in answer["error"]["what"]
        assert answer["error"]["where"] == str(path)
    assert backtest(trained, capsys)[0] == 0


def test_training_again_mends_what_was_spoiled_as_the_error_says(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = blobs_of_the_version(trained)["m002/regime.safetensors"]
    sound = flip_a_byte(blob)
    train = ["train", "m002", "--to", "2022-10-01", "--home", str(trained), "--json"]
    assert run(train) == 2
    assert "the layer is fitted anew" in capsys.readouterr().out
    assert run(train) == 0
    assert blob.read_bytes() == sound
    assert backtest(trained, capsys)[0] == 0


FULL = """
import resource, signal, sys
from pawl.cli.main import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
sys.exit(run(sys.argv[1:]))
"""


def test_a_full_disk_during_an_import_is_one_error_and_a_rerun_completes_it(home: Path, tmp_path: Path) -> None:
    store = SilverStore(home)
    before, more = store.content_hash(DAILY), bars("CCC", 900)
    more.write_parquet(tmp_path / "more.parquet")
    command = ["data", "import", str(tmp_path / "more.parquet"), "--timeframe", "1d", "--home", str(home), "--json"]
    ended = subprocess.run([sys.executable, "-c", FULL, *command], capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "storage"
    assert store.content_hash(DAILY, ["AAA", "BBB"]) == before
    assert run(command) == 0
    assert store.scan(DAILY, ["CCC"]).select(more.columns).collect().equals(more)
    assert store.content_hash(DAILY, ["AAA", "BBB"]) == before
