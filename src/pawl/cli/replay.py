"""`pawl replay`: years of a market through the whole learning loop, three policies side by side."""

import re
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import TickersOption, names, parse_instant
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.timeline import timeline
from pawl.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.replay_reporting import ReplayPage
    from pawl.jobs.replaying import SealedReplay

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


def replay(
    start: Annotated[datetime, typer.Option("--from", parser=parse_instant, metavar="DATE", help="Start, UTC.")],
    end: Annotated[datetime, typer.Option("--to", parser=parse_instant, metavar="DATE", help="End, UTC (exclusive).")],
    learner: Annotated[str, typer.Option("--learner", help="m002, or one of your own.")] = "m002",
    tickers: TickersOption = None,
    retrain_every: Annotated[
        timedelta | None,
        typer.Option("--retrain-every", parser=parse_days, metavar="DAYS", help="Like 91d; default: the learner's."),
    ] = None,
    window: Annotated[
        timedelta | None,
        typer.Option("--window", parser=parse_days, metavar="DAYS", help="How far back it reads; default: all."),
    ] = None,
    policies: Annotated[
        list[str] | None, typer.Option("--policies", metavar="NAMES", help="Of gated, always, frozen; default: all.")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Replay history: train, judge, promote or refuse at every retraining; see what the gate was worth.

    The same inputs and seed give the same ledger_hash. A replay that was cut off goes on where it stopped.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named
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
        config = run.settings.m002.model_dump(mode="json") if learner == "m002" else {}
        workspace = Workspace.at(run.home)
        with timeline(run) as watch:
            sealed = run_replay(workspace, chosen, order, config, watch)
            watch.on_stage("report", 0.0)
            page = write_replay_page(workspace, chosen, order, sealed)
        seconds = monotonic() - began
        run.answer(_payload(sealed, page, seconds), text=lambda: _text(sealed, page, seconds))


def _payload(sealed: "SealedReplay", page: "ReplayPage", seconds: float) -> dict[str, object]:
    from pawl.jobs.replay_result import figures_json

    result = sealed.result
    return {
        "decisions": result.n_decisions,
        "ledger_hash": sealed.ledger_hash,
        "policies": {policy: figures_json(figures) for policy, figures in result.policies.items()},
        "differences": {
            name: {"bps_per_decision": found.value, "low": found.low, "high": found.high}
            for name, found in result.differences.items()
        },
        "versions": [
            {
                "version": one.record.version,
                "trained_at": one.record.trained_at,
                "max_t1": one.record.certificate.max_t1.isoformat(),
                "dataset_hash": one.record.certificate.dataset_hash,
                "verdict": "pass" if one.verdict.passed else "fail",
                "reasons": list(one.verdict.reasons),
            }
            for one in result.candidates
        ],
        "left_out": dict(sealed.left_out),
        "replay_id": str(sealed.replay_id),
        "report": str(page.path),
        "seconds": round(seconds, 1),
    }


def _text(sealed: "SealedReplay", page: "ReplayPage", seconds: float) -> "RenderableType":
    from rich.console import Group

    from pawl.reports.gate_worth import gate_worth
    from pawl.reports.policies import differences_table, policies_table
    from pawl.reports.report_data import Interval

    result = sealed.result
    intervals = {name: Interval(one.value, one.low, one.high) for name, one in result.differences.items()}
    return Group(
        gate_worth(list(result.policies), intervals),
        "",
        policies_table({name: (one.figures, one.counts) for name, one in result.policies.items()}),
        "",
        differences_table(result.differences),
        "",
        f"{result.n_decisions:,} decisions, {len(result.candidates)} versions, {seconds:.0f} s",
        f"ledger hash {sealed.ledger_hash}",
        f"Open {page.newest}",
        f"Next: pawl gate explain {result.candidates[-1].record.version} --replay {sealed.home.name}",
        f"      pawl explain {sealed.newest_trace}",
    )
