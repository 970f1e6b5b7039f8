"""What a replay answers when nothing was traded: no figure is made up."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pawl.cli.replay_answer import LINE, replay_payload, replay_text
from pawl.cli.session import session
from pawl.jobs.replay_reporting import ReplayPage
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from small_replay import ORDER, run
from small_workspace import fill


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> SealedReplay:
    """Only the gated policy was replayed."""
    home = tmp_path_factory.mktemp("alone")
    fill(Workspace.at(home))
    return run(home, replace(ORDER, policies=("gated",)))


def page(sealed: SealedReplay) -> ReplayPage:
    return ReplayPage(path=sealed.home / "report.html", newest=sealed.home.parents[1] / "report.html")


def test_one_policy_alone_has_no_difference(alone: SealedReplay) -> None:
    answer = replay_payload(alone, page(alone), 12.34)
    assert answer["differences"] == {}
    assert list(answer["policies"]) == ["gated"]  # type: ignore[call-overload]
    assert (answer["seconds"], answer["to"]) == (12.3, ORDER.end.isoformat())
    json.dumps(answer)


def test_sentences_are_broken_before_they_run_off_the_screen(
    alone: SealedReplay, capsys: pytest.CaptureFixture[str]
) -> None:
    with session(Path(alone.home), is_json=False) as opened:
        opened.answer({}, text=lambda: replay_text(alone, page(alone), 12.34))
    printed = capsys.readouterr().out
    assert "Only the gated policy was replayed" in printed
    assert "2022-03-01 to 2022-12-01: 550 decisions, 4 versions, 12 s" in printed
    assert max(len(line) for line in printed.splitlines() if not line.startswith(("Open", "Next", " "))) <= LINE
