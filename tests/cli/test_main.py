"""Every way a command line can end: the exit code, and what lies on stdout and stderr."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from pawl import __version__
from pawl.cli import main
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import FutureLeakError, NotFoundError


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`pawl probe WHAT`: ends in every way a command can."""

    def probe(what: str, home: HomeOption = None, is_json: JsonOption = False) -> None:
        """Ends as it is told."""
        with session(home, is_json=is_json) as run:
            if what == "missing":
                raise NotFoundError("no ticker `XYZ`", where=str(run.home), fix="pawl data ls")
            if what == "leak":
                raise FutureLeakError("`x` changed", where="set m002", fix="shift it")
            if what == "fault":
                raise ZeroDivisionError("of ours")
            if what == "interrupt":
                raise KeyboardInterrupt
            run.answer({"home": str(run.home), "nan": float("nan"), "rows": (1, 2)}, text=lambda: f"at {run.home}")

    before = list(main.app.registered_commands)
    main.app.command()(probe)
    yield
    main.app.registered_commands[:] = before


def _error(out: str) -> dict[str, str]:
    body = json.loads(out)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "what", "where", "fix"}
    return dict(body["error"])


@pytest.mark.parametrize("line", ["--json nope", "nope --json", "--nope --json", "data check --nope --json"])
def test_a_command_line_that_cannot_be_read_is_one_error_object_and_exit_2(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(line.split()) == 2
    error = _error(capsys.readouterr().out)
    assert error["code"] == "bad_usage"
    assert "nope" in error["what"]
    assert "--help" in error["fix"]


def test_without_json_the_same_error_is_text_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["nope"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: No such command 'nope'.\n  where: pawl\n  fix:   see pawl --help\n"


def test_a_missing_option_names_itself_and_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["data", "import", "x.csv", "--json"]) == 2
    error = _error(capsys.readouterr().out)
    assert "--timeframe" in error["what"]
    assert error["where"] == "pawl data import"


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize(("what", "code", "exit_code"), [("missing", "not_found", 2), ("leak", "future_leak", 1)])
def test_an_error_of_pawl_carries_its_code_out(
    what: str, code: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["probe", what, "--json"]) == exit_code
    assert _error(capsys.readouterr().out)["code"] == code


@pytest.mark.usefixtures("probe")
def test_a_fault_of_ours_is_shown_whole_and_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["probe", "fault", "--json"]) == 3
    out, err = capsys.readouterr()
    error = _error(out)
    assert (error["code"], error["what"]) == ("internal", "ZeroDivisionError: of ours")
    assert "Traceback" in err

    assert main.run(["probe", "fault"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" in err


@pytest.mark.usefixtures("probe")
def test_ctrl_c_is_one_line_and_exits_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["probe", "interrupt"]) == 130
    assert capsys.readouterr().err.startswith("error: stopped by Ctrl-C")
    assert main.run(["probe", "interrupt", "--json"]) == 130
    assert _error(capsys.readouterr().out)["code"] == "interrupted"


@pytest.mark.usefixtures("probe")
@pytest.mark.parametrize(
    "line", ["--json --home {} probe ok", "probe ok --json --home {}", "--json probe ok --home {}"]
)
def test_home_and_json_stand_before_the_name_or_behind_it(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(line.format(tmp_path).split()) == 0
    assert json.loads(capsys.readouterr().out) == {"home": str(tmp_path), "nan": None, "rows": [1, 2]}


@pytest.mark.usefixtures("probe")
def test_what_stood_before_one_command_is_forgotten_in_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main.run(["--json", "--home", str(tmp_path / "first"), "probe", "ok"])
    capsys.readouterr()
    main.run(["probe", "ok", "--home", str(tmp_path / "second")])
    assert capsys.readouterr().out == f"at {tmp_path / 'second'}\n"


@pytest.mark.usefixtures("probe")
def test_settings_that_cannot_be_stop_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.toml").write_text("nonsense = 1\n")
    assert main.run(["probe", "ok", "--json", "--home", str(tmp_path)]) == 2
    error = _error(capsys.readouterr().out)
    assert error["code"] == "bad_settings"
    assert "nonsense" in error["what"]


def test_a_command_cut_off_by_a_signal_ends_at_once_and_says_so(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pawl.cli import main\n"
        "@main.app.command()\n"
        "def sleep():\n"
        "    'Sleeps.'\n"
        "    print('asleep', flush=True)\n"
        "    signal.pause()\n"
        "sys.exit(main.run(['sleep']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "asleep\n"
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert err.splitlines()[0] == "error: stopped by Ctrl-C; what was written before still stands"
    assert "Traceback" not in err


def test_version_prints_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"pawl {__version__}\n"


@pytest.mark.parametrize("line", ["", "data"])
def test_without_a_command_the_help_is_printed_and_the_exit_code_is_2(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(line.split()) == 2
    out, err = capsys.readouterr()
    assert "Usage: pawl" in out
    assert err == ""


@pytest.mark.parametrize("line", ["--help", "doctor --help"])
def test_help_shows_no_type_for_a_flag(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(line.split()) == 0
    out = capsys.readouterr().out
    assert "--json" in out
    assert "bool" not in out


def test_an_exit_of_a_command_is_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(main.app.registered_commands)

    @main.app.command()
    def refuse() -> None:
        """Says no."""
        raise typer.Exit(1)

    try:
        assert main.run(["refuse"]) == 1
    finally:
        main.app.registered_commands[:] = before
    assert capsys.readouterr() == ("", "")


def test_a_paragraph_of_help_flows_into_the_width(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["data", "import", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert not any(line.endswith("Importing a file again changes") for line in lines)  # as the source breaks it
