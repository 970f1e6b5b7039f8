"""`pawl up`: the loop, day and night: collect, decide, watch, learn, and let a better version serve."""

import re
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pawl.cli.arguments import TickersOption, names
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.stopping import stopped_by_signals
from pawl.errors import InputError

if TYPE_CHECKING:
    from pawl.cli.session import Session
    from pawl.jobs.live.running import LoopEnd
    from pawl.jobs.live.watch import CycleState

__all__ = ["parse_length", "parse_speed", "up"]

RoleName = Literal["all", "collector", "signals", "positions", "worker", "api"]
MAX = "max"
STOPPED_EARLY = "stopped before the first version served; run again it goes on from here"
_LENGTH = re.compile(r"(\d+)([dh])")
_UNITS = {"d": "days", "h": "hours"}


def parse_length(text: str) -> timedelta:
    """A length of whole days or hours.

    >>> parse_length("10d"), parse_length("6h")
    (datetime.timedelta(days=10), datetime.timedelta(seconds=21600))
    """
    match = _LENGTH.fullmatch(text)
    if match is None or not int(match[1]):
        raise InputError(f"`{text}` is no length", where="--for", fix="write it like 10d or 6h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_speed(text: str) -> float | None:
    """How many times as fast as real time; None for as fast as the work allows.

    >>> parse_speed("900"), parse_speed("max")
    (900.0, None)
    """
    if text == MAX:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise InputError(f"`{text}` is no speed", where="--speed", fix="write a number above 0 like 900, or max")
    return speed


def up(
    learner: Annotated[str, typer.Argument(metavar="LEARNER", help="m002, reversal, or one of your own.")] = "reversal",
    data: Annotated[
        str, typer.Option("--data", metavar="SOURCE", help="simulated, ccxt:EXCHANGE or yfinance.")
    ] = "simulated",
    tickers: TickersOption = None,
    speed: Annotated[
        str, typer.Option("--speed", metavar="N|max", help="Times real time; max waits for all work. Simulated only.")
    ] = "1",
    length: Annotated[
        timedelta | None,
        typer.Option("--for", parser=parse_length, metavar="TIME", help="10d, 6h: of the loop's time; else for ever."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="What everything follows from (default: seed).")
    ] = None,
    role: Annotated[RoleName, typer.Option("--role", help="Which part of the loop this process runs.")] = "all",
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on (default: server.host).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, metavar="N", help="Port, 0 for a free one (server.port).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run the live loop until its end, or until Ctrl-C or SIGTERM; run again, it goes on where it was.

    An empty workspace gets a history, a first version trained on it, and that version serves. With --role the loop is
    split over processes that share a PostgreSQL ledger. docs/live.md tells what runs when.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.live_world import LiveChoice, live_loop
        from pawl.registry.stopping import StoppedEarly

        choice = LiveChoice(
            learner=learner,
            data=data,
            tickers=names(tickers),
            speed=parse_speed(speed),
            length=length,
            seed=run.settings.seed if seed is None else seed,
            role=role,
            host=host or run.settings.server.host,
            port=run.settings.server.port if port is None else port,
        )
        with ExitStack() as stack, stopped_by_signals() as stopped:
            try:
                loop = live_loop(run, choice, stack, stopped)
            except StoppedEarly:
                warnings.filterwarnings("ignore", module="joblib")  # it tells of the work that was left, at our end
                run.answer({"is_over": False, "is_prepared": False}, text=lambda: STOPPED_EARLY)
                return
            ended = loop.run(stopped)
        run.answer(_payload(ended, loop.states()), text=lambda: _text(ended, loop.states()))
        _leave(run, ended)


def _leave(run: "Session", ended: "LoopEnd") -> None:
    if ended.is_training_left:
        import os
        import sys

        # Its thread cannot be stopped; what it has not finished the next process does again, from its checkpoint.
        run.stderr.print("a training was left unfinished; it runs again at the next start", highlight=False)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _payload(ended: "LoopEnd", states: "Mapping[str, CycleState]") -> dict[str, object]:
    figures = ended.figures
    return {
        "from": ended.since.isoformat(),
        "to": ended.at.isoformat(),
        "is_over": ended.is_over,
        "cycles": {name: state.n_runs for name, state in states.items()},
        "missed_schedules": sum(state.n_missed for state in states.values()),
        "errors": sum(state.n_errors for state in states.values()),
        "warnings": sum(state.n_warnings for state in states.values()),
        "promotions": figures.moves.get("promote", 0),
        "rollbacks": figures.moves.get("rollback", 0),
        "trainings": dict(figures.trainings),
        "signals": dict(figures.signals),
        "outcomes": dict(figures.outcomes),
        "events": {**figures.events, "published": figures.published},
    }


def _text(ended: "LoopEnd", states: "Mapping[str, CycleState]") -> str:
    from pawl.reports.wording import plural

    figures = ended.figures

    def moved(act: str, word: str) -> str:
        return plural(figures.moves.get(act, 0), word)

    def counted(what: Mapping[str, int]) -> str:
        return ", ".join(f"{n:,} {name}" for name, n in what.items()) or "none"

    said = "reached its end" if ended.is_over else "stopped; run again it goes on from here"
    n_missed = sum(state.n_missed for state in states.values())
    rows = {
        "cycles": counted({name: state.n_runs for name, state in states.items() if state.n_runs}),
        "missed": plural(n_missed, "due instant"),
        "signals": counted(dict(figures.signals)),
        "outcomes": counted(dict(figures.outcomes)),
        "trainings": counted(dict(figures.trainings)),
        "alias": f"{moved('promote', 'promotion')}, {moved('rollback', 'rollback')}",
        "events": f"{counted(dict(figures.events))}; {figures.published:,} published",
    }
    width = max(map(len, rows))
    span = f"{ended.since:%Y-%m-%d %H:%M} to {ended.at:%Y-%m-%d %H:%M} UTC"
    lines = [f"{said}: {span}", *(f"  {name:<{width}}  {value}" for name, value in rows.items())]
    return "\n".join([*lines, "Next: pawl status"])
