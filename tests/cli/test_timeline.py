"""The live picture of a replay: verdicts above, the policies growing below."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pawl.cli.session import session
from pawl.cli.timeline import timeline
from pawl.jobs.workspace import Workspace
from small_replay import run
from small_workspace import fill


def test_on_a_terminal_the_policies_grow_step_by_step(tmp_path: Path) -> None:
    fill(Workspace.at(tmp_path))
    into = io.StringIO()
    terminal = Console(file=into, force_terminal=True, width=150, color_system=None)
    with session(tmp_path, is_json=False) as opened:
        watched = replace(opened, stderr=terminal)
        with timeline(watched) as watch:
            run(tmp_path, watch=watch)
    printed = into.getvalue()
    assert printed.count("lightgbm_no_regime-1.0  promoted  nothing serves yet") == 1
    assert printed.count("  refused   ") == 3
    assert "replaying  100 %" in printed
    # Four steps, four blocks, for each of the three policies.
    last = printed[printed.rindex("gated") :]
    for policy in ("gated", "always", "frozen"):
        row = next(line for line in last.splitlines() if line.startswith(policy))
        assert sum(row.count(block) for block in "▁▂▃▄▅▆▇█") == 4


def test_elsewhere_it_is_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with session(tmp_path, is_json=False) as opened, timeline(opened) as watch:
        watch.on_stage("replaying", 0.5)
    assert capsys.readouterr().err == "replaying ...\n"
