"""How a command speaks: one object or a table on stdout, everything else on stderr."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console, Group
from rich.table import Table

from pawl.cli.session import Session, session
from pawl.settings import Settings


def _session(*, is_json: bool = False, is_terminal: bool = False) -> Session:
    console = Console(file=io.StringIO(), force_terminal=is_terminal)
    return Session(home=Path("."), is_json=is_json, settings=Settings(), stdout=console, stderr=console)


def _written(run: Session) -> str:
    assert isinstance(run.stderr.file, io.StringIO)
    return run.stderr.file.getvalue()


def test_numbers_that_json_does_not_have_leave_as_null(capsys: pytest.CaptureFixture[str]) -> None:
    payload = {"sharpe": float("nan"), "folds": [(1.5, float("inf"))], "nested": {"ece": float("-inf")}, "n": 3}
    _session(is_json=True).answer(payload, text=lambda: "never")
    assert json.loads(capsys.readouterr().out) == {
        "sharpe": None,
        "folds": [[1.5, None]],
        "nested": {"ece": None},
        "n": 3,
    }


def test_a_table_in_a_pipe_is_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def wide() -> Table:
        table = Table(box=None)
        for number in range(10):
            table.add_column(f"a-long-title-{number}", no_wrap=True)
        table.add_row(*["x"] * 10)
        return table

    with session(tmp_path, is_json=False) as run:
        run.answer({}, text=wide)
    out = capsys.readouterr().out
    assert "a-long-title-0" in out
    assert "a-long-title-9" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("width", [40, 80])
def test_no_figure_in_a_table_is_cut_on_a_narrow_terminal(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, highlight=False, color_system=None)
    run = Session(home=Path("."), is_json=False, settings=Settings(), stdout=console, stderr=console)
    figures = [f"{number}23456.78" for number in range(1, 10)]

    def table() -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("what it is about, in many words")
        for number in range(1, 10):
            table.add_column(f"title-{number}", no_wrap=True)
        table.add_row("a text that may be wrapped where it has to be", *figures)
        return table

    run.answer({}, text=lambda: Group(table(), "Next: nothing"))
    out = file.getvalue()
    assert all(figure in out for figure in figures) and "title-9" in out and "…" not in out
    assert console.width == width


def test_a_stage_ends_where_the_next_one_begins() -> None:
    run = _session(is_terminal=True)
    with run.stages() as on_stage:
        on_stage("reading", 0.0)
        on_stage("fitting", 0.15)
    last = _written(run).rsplit("reading", 1)[1]
    assert last.count("100 %") == 2


def test_stages_are_a_line_each_where_nobody_watches() -> None:
    run = _session()
    with run.stages() as on_stage:
        for fraction in (0.0, 0.5, 1.0):
            on_stage("features", fraction)
        on_stage("training", 0.0)
    assert _written(run) == "features ...\ntraining ...\n"


def test_stages_are_bars_on_a_terminal() -> None:
    run = _session(is_terminal=True)
    with run.stages() as on_stage:
        on_stage("features", 1.0)
    assert "features" in _written(run)
    assert "100 %" in _written(run)


def test_opening_a_workspace_makes_nothing(tmp_path: Path) -> None:
    with session(tmp_path / "new", is_json=False) as run:
        assert run.home == tmp_path / "new"
    assert not (tmp_path / "new").exists()
