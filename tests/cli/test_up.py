"""`pawl up` as a user runs it: to its end, stopped, killed, and split over processes."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from pawl.cli.main import run
from pawl.ledger.database import LEDGER_FILE, Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.live_tables import market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.service_tables import schedule_runs
from pawl.ledger.signal_tables import trading_signals

TESTS = Path(__file__).parent.parent
SETTINGS = f"""
n_jobs = 1
[learners]
tiny = "{TESTS / "quarter_hours.py"}"
"""
COMMAND = [sys.executable, "-c", "from pawl.cli.main import main; main()", "up", "tiny", "--data", "simulated"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty workspace whose settings name a small learner of 15-minute bars."""
    (tmp_path / "settings.toml").write_text(SETTINGS)
    return tmp_path


def start(
    home: Path, *arguments: str, url: str | None = None, is_group: bool = False, stderr: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """The command as a process. is_group: in a group of its own, which can be signalled as a terminal does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PAWL_HOME": str(home)}
    environment |= {"PAWL_DATABASE_URL": url} if url else {}
    return subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=is_group,
    )


def ended(process: "subprocess.Popen[str]", seconds: float = 120) -> dict[str, Any]:
    """Its answer, once it has ended well."""
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out)  # type: ignore[no-any-return]


def wait_for(condition: Any, seconds: float = 60) -> None:
    """Until it holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)


def count(home: Path, table: sa.Table) -> int:
    """Rows of a table; 0 while there is no ledger."""
    if not (home / LEDGER_FILE).exists():
        return 0
    engine = sa.create_engine(f"sqlite:///{home / LEDGER_FILE}")
    try:
        with engine.connect() as tx:
            return tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    except sa.exc.OperationalError:
        return 0
    finally:
        engine.dispose()


def facts(ledger: Ledger) -> dict[str, list[Any]]:
    """All that a run decided, and what came of it, as text; without what the real clock says."""
    without = {"created_at", "published_at", "attempts", "number"}
    with ledger.reading() as tx:
        found = {}
        for table in (trading_signals, market_data, loop_outbox):
            names = [c for c in table.c if c.name not in (without if table is loop_outbox else set())]
            found[table.name] = sorted(str(tuple(row)) for row in tx.execute(sa.select(*names)))
        return found


def test_rev_r1_a_day_of_the_simulated_market_runs_to_its_end(home: Path) -> None:
    told = ended(start(home, "--speed", "max", "--for", "1d", "--json"))
    assert told["cycles"]["positions"] == 1440
    assert told["cycles"]["collection"] == told["cycles"]["signals"] == 96
    assert (told["missed_schedules"], told["errors"], told["warnings"], told["is_over"]) == (0, 0, 0, True)
    assert sum(told["signals"].values()) == 2 * 96
    events = told["events"]
    assert events["new_prediction"] == events["new_market_data"] == 2 * 96
    assert events["signal_outcome"] == sum(told["outcomes"].values()) > 0
    assert events.pop("published") == sum(events.values())
    # Run again it goes on with the next day.
    again = ended(start(home, "--speed", "max", "--for", "1h", "--json"))
    assert again["from"] == told["to"] and again["cycles"]["collection"] == 4


@pytest.mark.parametrize("is_group", [pytest.param(False, marks=pytest.mark.soak), True])
def test_a_signal_during_the_first_training_ends_it_in_good_order(
    home: Path, is_group: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "settings.toml").write_text(SETTINGS.replace("n_jobs = 1", "n_jobs = 2"))
    out, err, code = stopped_while_proving(home, is_group=is_group)
    assert code == 0, err[-3000:]
    assert "fault in Pawl" not in err and "UserWarning" not in err  # a worker that just begins may say its own
    assert json.loads(out) == {"is_over": False, "is_prepared": False}
    assert run(["status", "--home", str(home)]) == 0
    assert "training jobs: 1 stopped\n" in capsys.readouterr().out
    # What was begun is no hindrance to the next start, and to living it again.
    assert ended(start(home, "--speed", "max", "--for", "1h", "--json"))["is_over"]
    assert run(["relive", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_identical"]


def stopped_while_proving(home: Path, *, is_group: bool) -> tuple[str, str, int]:
    """Answer, errors and exit code of a process that was told to stop at that point. is_group: as Ctrl-C does it."""
    process = start(home, "--speed", "max", "--json", is_group=True)
    assert process.stderr is not None
    while "proving" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)  # its workers begin
    os.killpg(process.pid, signal.SIGINT) if is_group else process.terminate()
    out, err = process.communicate(timeout=120)
    return out, err, process.returncode


def test_a_port_that_is_taken_is_told_before_anything_is_fetched(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(home, "--port", str(taken.getsockname()[1]))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "cannot listen on 127.0.0.1" in err
    assert not (home / "silver").exists()


def test_an_address_that_others_reach_is_refused_before_anything_is_fetched(home: Path) -> None:
    process = start(home, "--host", "0.0.0.0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "no token exists" in err
    assert not (home / "silver").exists()


def test_killed_anywhere_it_goes_on_and_nothing_is_lost_or_there_twice(home: Path, tmp_path_factory: Any) -> None:
    whole = tmp_path_factory.mktemp("whole")
    (whole / "settings.toml").write_text(SETTINGS)
    ended(start(whole, "--speed", "max", "--for", "4h", "--json"))
    for n_signals in (8, 16):
        process = start(home, "--speed", "max", "--for", "4h", "--json")
        wait_for(lambda: count(home, trading_signals) >= n_signals or process.poll() is not None)  # noqa: B023
        process.kill()
        process.communicate()
    told = ended(start(home, "--speed", "max", "--for", "4h", "--json"))
    assert told["is_over"] and told["missed_schedules"] == 0
    ours, theirs = Ledger.open(home), Ledger.open(whole)
    assert facts(ours) == facts(theirs)
    ours.close()
    theirs.close()


def test_sigterm_ends_it_cleanly_and_the_next_start_goes_on(home: Path) -> None:
    process = start(home, "--speed", "max", "--for", "4h", "--json")
    wait_for(lambda: count(home, trading_signals) >= 12)
    process.send_signal(signal.SIGTERM)
    told = ended(process)
    assert not told["is_over"] and told["missed_schedules"] == 0
    rest = ended(start(home, "--speed", "max", "--for", "4h", "--json"))
    assert rest["is_over"]
    assert told["cycles"]["collection"] + rest["cycles"]["collection"] == 16
    assert told["cycles"]["positions"] + rest["cycles"]["positions"] == 240
    with Ledger.open(home).reading() as tx:
        received = [one.name for one in live_entries(tx, "tiny", "received")]
    assert received == ["history", *["collection"] * 16]


def test_health_readiness_and_metrics_are_served(home: Path) -> None:
    process = start(home, "--speed", "600", "--json")
    assert process.stderr is not None
    lines: list[str] = []
    while not any("answers" in line for line in lines):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    url = next(line for line in lines if "answers" in line).split()[0]
    wait_for(lambda: httpx.get(f"{url}/ready").status_code == 200)
    assert httpx.get(f"{url}/health").json() == {"status": "ok"}
    wait_for(lambda: 'pawl_decisions{action="' in httpx.get(f"{url}/metrics").text)
    wait_for(lambda: "pawl_measured_timestamp_seconds{" in httpx.get(f"{url}/metrics").text)  # the hourly look
    text = httpx.get(f"{url}/metrics").text
    for name in ("pawl_up 1.0", "pawl_cycle_seconds_count{", "pawl_outbox_backlog", "pawl_owed_bars{"):
        assert name in text
    process.send_signal(signal.SIGTERM)
    told = ended(process)
    assert told["missed_schedules"] == 0 and told["errors"] == 0
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert all("timestamp" in one for one in logged)


def test_every_line_of_the_log_is_json_while_the_bus_is_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings.toml").write_text(f'{SETTINGS}\n[events]\nbus = "redis"\n')
    monkeypatch.setenv("PAWL_REDIS_URL", "redis://:very-secret@127.0.0.1:1/0")
    monkeypatch.setenv("FORCE_COLOR", "1")
    process = start(home, "--speed", "600", "--for", "4h")
    assert process.stderr is not None
    lines: list[str] = []
    while not any('"event_ids": ["' in line for line in lines):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    process.send_signal(signal.SIGTERM)
    said = "".join(lines) + process.communicate(timeout=60)[1]
    assert "very-secret" not in said
    begun = lines[next(n for n, line in enumerate(lines) if "answers" in line) + 1 :]
    assert all("event" in json.loads(line) for line in begun)
    (failed, *_) = [one for one in map(json.loads, begun) if one.get("what") == "the relay" and one["event_ids"]]
    assert "does not answer" in failed["reason"]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL database of one's own."""
    postgres = request.getfixturevalue("postgres")
    url = postgres.create()
    yield url.render_as_string(hide_password=False)
    postgres.drop(url)


def test_roles_share_the_work_over_processes(home: Path, database: str) -> None:
    """The collector prepares the workspace; then signals and positions of another process follow its bars."""
    how = ("--speed", "300", "--json")
    collector = start(home, "--role", "collector", *how, url=database)
    ledger = Ledger(database)
    others = []
    try:
        wait_for(lambda: _has_run(ledger, "live tiny collection"), 120)
        others = [start(home, "--role", role, *how, url=database) for role in ("signals", "positions")]
        wait_for(lambda: _n_signals(ledger) >= 8, 120)
    finally:
        for process in (collector, *others):
            process.send_signal(signal.SIGTERM)
    answers = [ended(process) for process in (collector, *others)]
    assert [list(one["cycles"]) for one in answers] == [["collection"], ["signals"], ["positions"]]
    assert all(one["errors"] == 0 for one in answers)
    with ledger.reading() as tx:
        s = trading_signals.c
        # What the collector stored at an instant, the signals of the same instant were given on.
        lags = tx.execute(sa.select(s.created_at, s.bar_timestamp)).all()
        runs = tx.execute(sa.select(schedule_runs.c.schedule).distinct()).scalars().all()
    assert {created - opened for created, opened in lags} == {lags[0][0] - lags[0][1]}
    assert {"live tiny collection", "live tiny signals", "live tiny positions"} <= set(runs)
    ledger.close()


def _has_run(ledger: Ledger, schedule: str) -> bool:
    try:
        with ledger.reading() as tx:
            found = sa.select(sa.func.count()).where(schedule_runs.c.schedule == schedule)
            return tx.execute(found).scalar_one() > 0
    except Exception:  # noqa: BLE001 - the schema is not there yet
        return False


def _n_signals(ledger: Ledger) -> int:
    with ledger.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(trading_signals)).scalar_one()


@pytest.mark.parametrize("is_json", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_on_a_terminal_the_log_is_words_and_else_json(home: Path, *, is_json: bool) -> None:
    ours, theirs = pty.openpty()
    process = start(home, "--speed", "max", "--for", "1h", *(["--json"] if is_json else []), stderr=theirs)
    os.close(theirs)
    said = _all_of(ours)
    out, _ = process.communicate(timeout=60)
    runs = [text for text in said.splitlines() if "signals" in text and "2018-01-15" in text]
    assert process.returncode == 0 and len(runs) == 4
    if is_json:
        assert all(json.loads(text)["told"] == {"signals": 2} for text in runs) and json.loads(out)["is_over"]
    else:
        assert runs[0] == "2018-01-15 00:15  signals            2 signals" and "reached its end" in out


def _all_of(terminal: int) -> str:
    """All that is written to a terminal until the other end is closed."""
    said = b""
    try:
        while more := os.read(terminal, 65_536):
            said += more
    except OSError:  # so Linux says it
        pass
    finally:
        os.close(terminal)
    return said.decode()
