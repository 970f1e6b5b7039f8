"""A whole replay: it sees no future, repeats to the byte, and goes on where it was cut off."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ledger_world import verdict
from pawl.jobs import replay as driver
from pawl.jobs import verdicts
from pawl.jobs.replay_result import figures_json
from pawl.jobs.replaying import Progress, SealedReplay, Watch
from pawl.jobs.workspace import Workspace
from pawl.ledger.deployments import active_at, list_deployments
from pawl.ledger.evaluations import get_report
from pawl.ledger.replay_log import read_rows
from pawl.registry.versions import VersionStore
from small_replay import NAME, ORDER, run
from small_workspace import NOW, START, fill, nobody


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("replayed")
    fill(Workspace.at(home))
    return home


@pytest.fixture(scope="module")
def sealed(home: Path) -> SealedReplay:
    return run(home)


def test_every_candidate_has_read_nothing_from_its_own_instant_on(sealed: SealedReplay) -> None:
    assert len(sealed.result.candidates) == 4
    for one in sealed.result.candidates:
        assert one.record.certificate.max_t1 < one.step.begin
        assert one.record.trained_at == one.step.begin.isoformat()


def test_the_three_policies_serve_what_their_rule_says(sealed: SealedReplay) -> None:
    names = [one.record.version for one in sealed.result.candidates]
    assert names == [f"{NAME}-1.{number}" for number in range(4)]
    figures = {policy: figures_json(one) for policy, one in sealed.result.policies.items()}
    assert (figures["always"]["promotions"], figures["always"]["refusals"]) == (4, 0)
    assert (figures["frozen"]["promotions"], figures["frozen"]["refusals"]) == (1, 3)
    assert figures["gated"]["promotions"] + figures["gated"]["refusals"] == 4
    assert {*sealed.result.differences} == {"gated_minus_always", "gated_minus_frozen"}


def test_champion_and_candidate_are_scored_on_rows_that_neither_has_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[tuple[datetime, datetime]] = []
    real = verdicts.score

    def watched(each: object, model: object, bars: pl.DataFrame, span: verdicts.Span, rules: object) -> object:
        spans.append((span.start, span.end))
        return real(each, model, bars, span, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(verdicts, "score", watched)
    fill(Workspace.at(tmp_path))
    candidates = run(tmp_path).result.candidates
    assert len(spans) == 1 + 2 * 3
    for one, theirs, ours in zip(candidates[1:], spans[1::2], spans[2::2], strict=True):
        assert theirs == ours
        champion = next(each.record for each in candidates if each.record.version == one.champion)
        assert theirs[0] >= champion.certificate.first_allowed
        assert theirs[1] <= one.step.begin


def test_the_ledger_says_what_decided_when(sealed: SealedReplay) -> None:
    ledger = VersionStore(sealed.home).ledger
    first = sealed.result.candidates[0]
    with ledger.reading() as tx:
        moves = list_deployments(tx, NAME)
        assert active_at(tx, NAME, first.step.begin) is None
        assert active_at(tx, NAME, first.step.begin + timedelta(days=1)) == first.record.version
    assert [move.to_version for move in moves] == [
        one.record.version for one in sealed.result.candidates if one.is_promoted
    ]


def test_a_second_run_elsewhere_on_more_workers_has_the_same_hash(tmp_path: Path, sealed: SealedReplay) -> None:
    fill(Workspace.at(tmp_path))
    again = run(tmp_path, replace(ORDER, n_jobs=2, now=NOW + timedelta(days=3)))
    assert again.ledger_hash == sealed.ledger_hash
    assert again.replay_id == sealed.replay_id


def test_another_seed_is_another_replay(home: Path, sealed: SealedReplay) -> None:
    other = run(home, replace(ORDER, seed=2))
    assert other.ledger_hash != sealed.ledger_hash


def test_bars_after_the_end_change_nothing(tmp_path: Path, sealed: SealedReplay) -> None:
    fill(Workspace.at(tmp_path), n_bars=705)
    assert run(tmp_path).ledger_hash == sealed.ledger_hash


def test_a_replay_past_the_newest_bar_ends_with_it(tmp_path: Path, sealed: SealedReplay) -> None:
    fill(Workspace.at(tmp_path), n_bars=(ORDER.end - START).days)
    longer = run(tmp_path, replace(ORDER, end=ORDER.end + timedelta(days=500)))
    assert longer.ledger_hash == sealed.ledger_hash
    assert longer.order.end == ORDER.end


def test_a_replay_that_was_interrupted_goes_on_and_ends_with_the_same_hash(
    tmp_path: Path, sealed: SealedReplay
) -> None:
    fill(Workspace.at(tmp_path))

    def interrupt(progress: Progress) -> None:
        if progress.judged.step.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Watch(on_stage=nobody, on_step=interrupt))
    assert run(tmp_path).ledger_hash == sealed.ledger_hash


KILLED_AT = {
    "in the first training": ("pawl.learners.m002.M002.fit", 1),
    "between a verdict and its promotion": ("pawl.jobs.replay.promote", 1),
    "in the second training": ("pawl.learners.m002.M002.fit", 1),
    "before a verdict": ("pawl.jobs.replay.reach_verdict", 1),
    "before a step is logged": ("pawl.jobs.replaying.append_rows", 2),
    "before a log is sealed": ("pawl.jobs.replaying.finish_replay", 1),
    "while a log is sealed": ("pawl.jobs.replaying.newest_trace", 1),
}
"""Where a process dies: a function, and at which call of it."""

DYING = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from small_replay import run
path, n = sys.argv[3], int(sys.argv[4])
module, name = path.rsplit(".", 1)
try:
    owner = import_module(module)
except ModuleNotFoundError:
    owner = getattr(import_module(module.rsplit(".", 1)[0]), module.rsplit(".", 1)[1])
real, calls = getattr(owner, name), []
def dying(*args, **options):
    calls.append(1)
    if len(calls) == n:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
setattr(owner, name, dying)
run(Path(sys.argv[2]))
"""


def test_a_replay_that_is_killed_everywhere_goes_on_each_time_and_ends_with_the_same_hash(
    tmp_path: Path, sealed: SealedReplay
) -> None:
    fill(Workspace.at(tmp_path))
    for where, (path, n) in KILLED_AT.items():
        arguments = [sys.executable, "-c", DYING, str(Path(__file__).parents[1]), str(tmp_path), path, str(n)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, f"{where}: {done.stderr}"
    again = run(tmp_path)
    assert again.ledger_hash == sealed.ledger_hash
    assert [one.record.version for one in again.result.candidates] == [f"{NAME}-1.{number}" for number in range(4)]
    assert [path.name for path in (tmp_path / "replays").iterdir() if path.is_dir()] == [sealed.home.name]


def test_a_replay_leaves_what_the_workspace_serves_alone(home: Path, sealed: SealedReplay) -> None:
    assert Workspace.at(home).versions.all() == []
    assert sealed.home.parent == home / "replays"


def test_pass_r35_every_move_has_a_passing_verdict_against_what_served_and_decides_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts are handed out here, so that there are promotions to look at."""
    said = iter((verdict(is_first=True), verdict(), verdict(passes=False), verdict()))
    monkeypatch.setattr(driver, "reach_verdict", lambda *parts: next(said))
    fill(Workspace.at(tmp_path))
    done = run(tmp_path)
    names = [f"{NAME}-1.{number}" for number in range(4)]
    with VersionStore(done.home).ledger.reading() as tx:
        moves = list_deployments(tx, NAME)
        reports = [get_report(tx, move.eval_id) for move in moves if move.eval_id]
    assert [move.to_version for move in moves] == [names[0], names[1], names[3]]
    for move, report in zip(moves, reports, strict=True):
        assert report.verdict.passed
        assert (report.version, report.baseline) == (move.to_version, move.from_version)
    assert [one.champion for one in done.result.candidates] == [None, names[0], names[1], names[1]]
    with VersionStore(done.home).ledger.reading() as tx:
        rows = [row for row in read_rows(tx, done.replay_id) if row.kind == "decision" and row.policy == "gated"]
    for row in rows:
        number = sum(one.step.begin < row.virtual_time for one in done.result.candidates) - 1
        assert json.loads(row.payload)["version"] == names[(0, 1, 1, 3)[number]]
    figures = figures_json(done.result.policies["gated"])
    assert (figures["promotions"], figures["refusals"], figures["rollbacks"]) == (3, 1, 0)
