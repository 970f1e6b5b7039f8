"""`pawl rollout`: how candidates are let in, and what a person may do about it."""

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import RenderableType
    from rich.text import Text
    from sqlalchemy import Connection

    from pawl.cli.session import Session
    from pawl.jobs.live.rollout_rules import RolloutWorld
    from pawl.ledger.rollouts import StoredRollout

__all__ = ["rollout_app"]

rollout_app = typer.Typer(
    name="rollout", help="Rollouts: how candidates are let in, stage by stage.", no_args_is_help=True
)

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="The candidate, like m002-1.4.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who asks (default: who is logged in).")]


@rollout_app.callback()
def rollout() -> None:
    """Rollouts: how candidates are let in, stage by stage."""


@rollout_app.command()
def status(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Show every candidate that is rolled out: stage, resolved decisions, guard-rails, and the paired test."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import rollout_world_of
        from pawl.gates.rollout_status import status_row
        from pawl.jobs.ledgers import has_ledger, ledger_of
        from pawl.jobs.live.act_record import loop_instant
        from pawl.jobs.live.stage_evidence import gather
        from pawl.ledger.rollouts import list_rollouts

        rows: list[dict[str, object]] = []
        running: list[StoredRollout] = []
        if has_ledger(run.settings):
            with closing(ledger_of(run.settings)) as ledger, ledger.reading() as tx:
                running = [one for one in list_rollouts(tx) if one.is_running]
                for one in running:
                    world = rollout_world_of(one.learner, run.settings, ledger)
                    found = gather(tx, world, one, loop_instant(tx, one.learner, datetime.now(UTC)))
                    plan, rails = world.rules.plan(one.state.plan), world.rules.rails
                    rows.append(status_row(one.state, plan, rails, found.evidence))
        run.answer(rows, text=lambda: _table(rows, running))


@rollout_app.command()
def history(
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A candidate, like m002-1.4 (default: all of them).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Show every rollout there was, step by step: when, by whom, from where to where, and why."""
    with session(home, is_json=is_json) as run, _reading(run) as tx:
        from pawl.cli.rollout_tables import history_rows, history_text
        from pawl.ledger.model_versions import get_version
        from pawl.ledger.rollouts import list_moves, list_rollouts

        if version is not None:
            get_version(tx, version)
        accounts = [(one, list_moves(tx, one.rollout_id)) for one in list_rollouts(tx, version)]
        run.answer(history_rows(accounts), text=lambda: history_text(accounts))


@rollout_app.command()
def tests(
    learner: Annotated[
        str | None, typer.Option("--learner", metavar="NAME", help="Those of one learner (default: all).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List the A/B tests there were, with their arms, and who won."""
    with session(home, is_json=is_json) as run, _reading(run) as tx:
        from pawl.cli.rollout_tables import test_rows, tests_text
        from pawl.ledger.ab_tests import list_tests

        found = list_tests(tx, learner)
        run.answer(test_rows(found), text=lambda: tests_text(found))


@rollout_app.command()
def start(version: VersionArgument, by: ByOption = None, home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Let a candidate that the gate has passed into the first stage; exit code 1 when it may not."""
    with session(home, is_json=is_json) as run, _world(run, version) as world:
        from pawl.ids import ModelVersion
        from pawl.jobs.live.rollout_orders import By
        from pawl.jobs.live.rollouts import begin_rollout

        with _acting(world) as at:
            begun = begin_rollout(world, ModelVersion(version), at, By(who=by or _who(), at=at))
        if begun is None:
            run.answer(
                {"version": version, "stage": None, "status": "serves"},
                text=lambda: f"{version} serves: there is nothing to roll it out against.",
            )
        else:
            _tell(run, world, begun)


@rollout_app.command()
def advance(
    version: VersionArgument, by: ByOption = None, home: HomeOption = None, is_json: JsonOption = False
) -> None:
    """Take the next step now, if it is due, as it would come by itself: no stage is skipped; 1 with what is missing."""
    with session(home, is_json=is_json) as run, _world(run, version) as world:
        from pawl.ids import ModelVersion
        from pawl.jobs.live.rollout_orders import By
        from pawl.jobs.live.rollouts import advance_by_hand

        with _acting(world) as at:
            found = advance_by_hand(world, ModelVersion(version), By(who=by or _who(), at=at))
        _tell(run, world, found)


@rollout_app.command()
def abort(
    version: VersionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the account of the rollout.")],
    by: ByOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Take a candidate out; the champion keeps, or gets back, all of the traffic."""
    with session(home, is_json=is_json) as run, _world(run, version) as world:
        from pawl.ids import ModelVersion
        from pawl.jobs.live.rollout_orders import By
        from pawl.jobs.live.rollouts import abort_by_hand

        with _acting(world) as at:
            found = abort_by_hand(world, ModelVersion(version), reason, By(who=by or _who(), at=at))
        _tell(run, world, found)


@contextmanager
def _reading(run: "Session") -> "Iterator[Connection]":
    from pawl.jobs.ledgers import open_ledger

    with closing(open_ledger(run.settings, None)) as ledger, ledger.reading() as tx:
        yield tx


@contextmanager
def _world(run: "Session", version: str) -> "Iterator[RolloutWorld]":
    from pawl.cli.composition import rollout_world_of
    from pawl.jobs.ledgers import open_ledger
    from pawl.ledger.model_versions import get_version

    with closing(open_ledger(run.settings, None)) as ledger:
        with ledger.reading() as tx:
            learner = get_version(tx, version).learner
        yield rollout_world_of(learner, run.settings, ledger)


def _acting(world: "RolloutWorld") -> "AbstractContextManager[datetime]":
    """The instant of an act, as the loop that the rollout belongs to has it; the loop waits meanwhile."""
    from pawl.jobs.live.act_record import acting

    return acting(world.ledger, world.learner, datetime.now(UTC))


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in many containers
        return "operator"


def _tell(run: "Session", world: "RolloutWorld", found: "StoredRollout") -> None:
    state = found.state
    stage = world.rules.plan(state.plan).stages[state.stage].name
    payload = {
        "version": state.candidate,
        "champion": state.champion,
        "stage": stage,
        "status": state.status.value,
        "reason": state.reason,
    }
    run.answer(
        payload, text=lambda: f"{state.candidate}: {stage}, {state.status}. {state.reason}.\nSee: pawl rollout status"
    )


def _table(rows: list[dict[str, object]], running: "list[StoredRollout]") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return "no candidate is rolled out. Next: pawl rollout start VERSION"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("version", "stage", "entered", "decisions", "gain, bps", "low, bps", "blocks"):
        table.add_column(name, no_wrap=True, justify="left" if name in ("version", "stage", "entered") else "right")
    lines: list[Text] = []
    for row, one in zip(rows, running, strict=True):
        test = row["test"]
        assert isinstance(test, dict)
        table.add_row(
            Text(str(row["version"])), str(row["stage"]), str(row["entered"])[:16], str(row["decisions"]),
            _number(test["mean"]), _number(test["low"]), str(test["blocks"]),
        )  # fmt: skip
        lines.append(Text(f"{one.state.candidate} against {one.state.champion}: {one.state.reason}"))
        lines.extend(_rails(row["guard_rails"]))
    return Group(table, *lines)


def _rails(rails: object) -> "list[Text]":
    from rich.text import Text

    assert isinstance(rails, dict)
    found = []
    for name, rail in rails.items():
        broken = "  OVER ITS LIMIT" if rail["is_broken"] else ""
        n = f"n {rail['n']}" if rail["n"] >= rail["min_n"] else f"n {rail['n']}; judged from {rail['min_n']}"
        found.append(Text(f"  {name:<20} {_number(rail['value'], 3):>10} of {rail['limit']:g} ({n}){broken}"))
    return found


def _number(value: object, decimals: int = 2) -> str:
    return f"{value:.{decimals}f}" if isinstance(value, int | float) else "–"
