"""A person at work on a loop that lives: acts by the commands and over HTTP, each behind one run of the loop."""

import io
import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pawl.cli import live_world
from pawl.cli.main import run
from pawl.gates.verdict import Outcome, Verdict
from pawl.jobs import verdicts
from pawl.jobs.live import composing
from pawl.jobs.live.act_record import BEHIND
from pawl.jobs.live.logs import LoggedLoop
from pawl.jobs.live.watch import Run
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.verdicts import Case, Terms
from pawl.lake.silver import SilverStore
from pawl.ledger.ab_tests import running_test
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.market.bars import Timeframe
from pawl.serving.ab_test_routes import AB_TESTS
from pawl.triggers.schedule import SCHEDULES, Every

__all__ = ["KINDS", "Act", "Operator", "asks", "counts_of", "every_kind", "hasten", "let_pass", "live_with", "relived"]

HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Operator:
    """Whoever acts on the loop of a workspace."""

    home: Path
    learner: str
    port: int = field(default_factory=lambda: _free_port())
    token: str = ""

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """A command; what it answers."""
        out = io.StringIO()
        with redirect_stdout(out):
            found = run([*arguments, "--home", str(self.home), "--json"])
        assert found == code, (arguments, found, out.getvalue())
        return json.loads(out.getvalue().splitlines()[-1]) if out.getvalue() else None

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """A request to the loop's own process; what is answered."""
        self.token = self.token or self.ask("token", "create", "operator")["token"]
        url, head = f"http://127.0.0.1:{self.port}{path}", {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(url, json=body, headers=head, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def start_test(self, version: str) -> None:
        """Begin an A/B test."""
        body = {"model_b_version": version, "traffic_split": 0.75, "test_name": "by hand"}
        self.post(f"{AB_TESTS}/start", body, status=201)

    def stop_test(self) -> None:
        """End the test that runs."""
        with self.ledger() as ledger, ledger.reading() as tx:
            test = running_test(tx, self.learner)
        assert test is not None
        self.post(f"{AB_TESTS}/{test.test_id}/stop")

    def predict(self) -> None:
        """Ask for a prediction, as a user would: it is filed beside those of the loop, and is none of them."""
        timeframe = Timeframe.parse("1h")
        bars = SilverStore(self.home).scan(timeframe, ("BTCUSDT",)).sort("ts").tail(40).collect()
        columns = ("ts", "open", "high", "low", "close", "volume")
        given = [{**one, "ts": one["ts"].isoformat()} for one in bars.select(columns).iter_rows(named=True)]
        self.post("/predict", {"learner": self.learner, "ticker": "BTCUSDT", "market_data": given})

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger in which the loop lives."""
        url = os.environ.get("PAWL_DATABASE_URL")
        with closing(Ledger.open(self.home) if url is None else Ledger(url)) as opened:
            yield opened

    def acts_on_record(self) -> Counter[str]:
        """How often each kind of act is on record."""
        with self.ledger() as ledger, ledger.reading() as tx:
            return Counter(one.name for one in live_entries(tx, self.learner, "act") if BEHIND in one.payload)


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that a person does. after: hours of the loop's life. behind: the cycle whose run came last."""

    after: float
    behind: str
    does: Callable[[Operator], object]


def asks(after: float, *arguments: str, behind: str = "positions", code: int = 0) -> Act:
    """A command."""
    return Act(after=after, behind=behind, does=lambda operator: operator.ask(*arguments, code=code))


KINDS = {
    "pause": 1, "resume": 1, "retrain": 2, "judge": 4, "promote": 3, "rollback": 2, "rollout start": 2,
    "rollout advance": 1, "rollout abort": 3,
}  # fmt: skip
"""Acts of `every_kind` by the name under which they are on record. A test that is begun and stopped over HTTP is a
rollout that starts and is aborted."""


def every_kind(name: str, first: str = "1.0", trained_at: float = 24) -> tuple[Act, ...]:
    """Two days of a loop whose candidates go through an A/B test of a day; every kind of act, each where it may.

    first: the version that serves at the beginning. trained_at: hours, when the one training on schedule is held.
    """
    major, minor = map(int, first.split("."))

    def v(number: int) -> str:
        return f"{name}-{major}.{minor + number}"

    return (
        asks(1, "triggers", "pause", name, "--reason", "a holiday", behind="signals"),
        asks(1.25, "triggers", "retrain", name),  # a person's training is held, and its version kept
        asks(2.5, "triggers", "resume", name, "--reason", "back again"),
        Act(after=3, behind="rollouts", does=lambda operator: operator.start_test(v(1))),
        Act(after=6, behind="collection", does=lambda operator: operator.stop_test()),
        asks(7, "gate", "judge", v(1), behind="triggers"),
        asks(7, "promote", v(1), behind="triggers"),  # two acts behind one run
        asks(9, "rollback", name, "--reason", "it erred", behind="signals"),
        asks(10.25, "triggers", "retrain", name),  # its version goes into a test by itself
        asks(13, "rollout", "abort", v(2), "--reason", "no", "--by", "ann", behind="rollouts"),
        asks(14, "gate", "judge", v(2)),
        asks(14.25, "rollout", "start", v(2), "--by", "ann"),
        Act(after=17, behind="signals", does=lambda operator: operator.stop_test()),
        asks(18, "gate", "judge", v(2)),
        asks(18.5, "promote", v(2)),
        asks(19, "gate", "judge", v(1)),
        asks(19, "promote", v(1), behind="signals"),
        asks(22, "rollback", name, "--to", v(0), "--reason", "further back"),
        # The training on schedule begins a test, which ends after a day: then, before the loop's own look at it,
        asks(trained_at + 24, "rollout", "advance", v(3), "--by", "ann", behind="signals"),
    )


def let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verdict of the gate of policies is a pass, whatever was measured, which needs weeks to be: that the gate
    judges right is tested elsewhere, and here what is done with its verdicts."""
    measured = verdicts.reach_verdict

    def passing(models: LoadedModels, case: Case, bars: pl.DataFrame, terms: Terms) -> Verdict:
        found = measured(models, case, bars, terms)
        rows = tuple(replace(row, outcome=Outcome.PASS) if row.outcome is Outcome.FAIL else row for row in found.rows)
        return replace(found, rows=rows)

    monkeypatch.setattr(verdicts, "reach_verdict", passing)


def hasten(monkeypatch: pytest.MonkeyPatch, every: timedelta) -> None:
    """Positions are looked at more seldom than each minute."""
    monkeypatch.setattr(composing, "SCHEDULES", {**SCHEDULES, "positions": Every(every)})


def live_with(
    operator: Operator, acts: Sequence[Act], monkeypatch: pytest.MonkeyPatch, length: str, *arguments: str
) -> int:
    """Live for a time, and let a person act meanwhile, while the loop stands between two runs; the exit code."""
    waiting = sorted(acts, key=lambda act: act.after)
    began: list[datetime] = []

    class Attended(LoggedLoop):
        def begins(self, cycle: str, at: datetime) -> None:
            began.append(at)
            super().begins(cycle, at)

        def ended(self, run: Run) -> None:
            super().ended(run)
            since = began[0].replace(hour=0, minute=0)
            for act in [one for one in waiting if run.at - since == one.after * HOUR and one.behind == run.cycle]:
                waiting.remove(act)
                act.does(operator)

    monkeypatch.setattr(live_world, "LoggedLoop", Attended)
    home = ("--home", str(operator.home), "--port", str(operator.port))
    code = run(["up", operator.learner, "--for", length, *(arguments or ("--speed", "max")), *home, "--json"])
    assert not waiting, waiting
    return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def relived(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Play a life again: the exit code and the answer."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = run(["relive", "--home", str(home), "--json", *arguments])
    return code, json.loads(out.getvalue().splitlines()[-1]) if out.getvalue() else {}


def counts_of(told: dict[str, Any]) -> dict[str, int]:
    """What was lived, by kind, where all of it was lived again."""
    differs = {name: one for name, one in told["facts"].items() if not one["is_identical"]}
    assert not differs, json.dumps(differs, indent=1)
    return {name: one["lived"]["n"] for name, one in told["facts"].items()}
