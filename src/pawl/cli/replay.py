"""`pawl replay`: years of a market through the whole learning loop, three policies side by side."""

import re
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import TickersOption, names, parse_instant
from pawl.cli.replay_answer import replay_payload, replay_text
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.timeline import timeline
from pawl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pawl.cli.session import Session
    from pawl.jobs.cadence_plan import Event
    from pawl.jobs.replay_plan import ReplayOrder
    from pawl.jobs.workspace import Workspace
    from pawl.learners.learner import Learner

__all__ = ["replay"]

_DAYS = re.compile(r"(\d+)d")


def parse_days(text: str) -> timedelta:
    """A length of whole days.

    >>> parse_days("91d")
    datetime.timedelta(days=91)
    """
    match = _DAYS.fullmatch(text)
    if match is None:
        raise InputError(f"`{text}` is not a number of days", where="command line", fix="write it like 91d")
    return timedelta(days=int(match[1]))


def _by_calendar(
    run: "Session", workspace: "Workspace", what: "tuple[Learner[Any], ReplayOrder, Mapping[str, Any]]", cadence: str
) -> None:
    from pawl.cli.cadence_answer import cadence_text
    from pawl.gates.ab_test import AbSettings
    from pawl.jobs.cadence_replaying import Cadence, run_cadence
    from pawl.learners.reversal import Reversal

    began = monotonic()
    learner, order, config = what
    kinds = {"full": ("monthly", "weekly", "daily"), "weekly": ("weekly",)}
    if not isinstance(learner, Reversal):
        raise InputError(f"`{learner.spec.name}` has no calendar", where="--cadence", fix="give --learner reversal")
    if cadence not in kinds:
        raise InputError(f"`{cadence}` is no cadence", where="--cadence", fix=f"choose among {', '.join(kinds)}")

    def on_event(event: "Event", told: "Mapping[str, Any]") -> None:
        said = told.get("skipped") or f"{told.get('version')}: {told.get('verdict')}"
        run.stderr.print(f"{event.at:%Y-%m-%d %H:%M} {event.kind}: {said}", highlight=False)

    calendar = Cadence(ab_test=AbSettings(), kinds=kinds[cadence], on_event=on_event)
    result = run_cadence(workspace, learner, order, config, calendar)
    seconds = monotonic() - began
    run.answer({**result, "seconds": round(seconds, 1)}, text=lambda: cadence_text(result, seconds))


def replay(
    start: Annotated[datetime, typer.Option("--from", parser=parse_instant, metavar="DATE", help="Start, UTC.")],
    end: Annotated[datetime, typer.Option("--to", parser=parse_instant, metavar="DATE", help="End, UTC (exclusive).")],
    learner: Annotated[str, typer.Option("--learner", help="m002, reversal, or one of your own.")] = "m002",
    tickers: TickersOption = None,
    retrain_every: Annotated[
        timedelta | None,
        typer.Option("--retrain-every", parser=parse_days, metavar="DAYS", help="Like 91d; default: the learner's."),
    ] = None,
    window: Annotated[
        timedelta | None,
        typer.Option("--window", parser=parse_days, metavar="DAYS", help="How far back it reads; default: all."),
    ] = None,
    cadence: Annotated[
        str | None,
        typer.Option("--cadence", metavar="full|weekly", help="By the calendar of reversal, with its A/B tests."),
    ] = None,
    policies: Annotated[
        list[str] | None, typer.Option("--policies", metavar="NAMES", help="Of gated, always, frozen; default: all.")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Replay history: train, judge, promote or refuse at every retraining; see what the gate was worth.

    The same inputs and seed give the same ledger_hash. A replay that was cut off goes on where it stopped. With
    --cadence full the trainings are those of the live loop: daily, weekly with A/B tests of 7 days.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import config_of, learner_named
        from pawl.jobs.replay_plan import POLICIES, ReplayOrder
        from pawl.jobs.replay_reporting import write_replay_page
        from pawl.jobs.replaying import run_replay
        from pawl.jobs.workspace import Workspace

        began = monotonic()
        chosen = learner_named(learner, run.settings)
        order = ReplayOrder(
            start=start,
            end=end,
            now=datetime.now(UTC),
            seed=run.settings.seed,
            costs=run.settings.costs,
            gate=run.settings.gate,
            limits=run.settings.quality,
            retrain_every=chosen.spec.cadence if retrain_every is None else retrain_every,
            window=window,
            tickers=names(tickers),
            policies=names(policies) or POLICIES,
            n_jobs=run.settings.n_jobs,
        )
        workspace = Workspace.at(run.home)
        config = config_of(learner, run.settings)
        if cadence is not None:
            _by_calendar(run, workspace, (chosen, order, config), cadence)
            return
        with timeline(run) as watch:
            sealed = run_replay(workspace, chosen, order, config, watch)
            watch.on_stage("report", 0.0)
            page = write_replay_page(workspace, chosen, sealed)
        seconds = monotonic() - began
        run.answer(replay_payload(sealed, page, seconds), text=lambda: replay_text(sealed, page, seconds))
