"""`pawl worker`: the background work of a workspace."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import InputError

__all__ = ["worker"]


def worker(
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="trajectory, dataset, train, eval, deploy, or all of them.")
    ] = "all",
    once: Annotated[bool, typer.Option("--once", help="Look once, do what there is to do now, and end.")] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when nothing is left to do, nothing that waits to be retried.")
    ] = False,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Do the background work: events to trajectories, trajectories to datasets, trainings, verdicts, deployments.

    Runs until Ctrl-C or SIGTERM. As many as you like may run on one ledger; they share the work, and take over from one
    that died.
    """
    with session(home, is_json=is_json) as run:
        from dataclasses import asdict

        from pawl.cli.composition import world_of
        from pawl.jobs.roles import roles_named
        from pawl.jobs.working import Until, work

        if once and until_idle:
            raise InputError("--once and --until-idle exclude each other", where="pawl worker", fix="give one of them")
        until = Until.ONCE if once else Until.IDLE if until_idle else Until.STOPPED
        world = world_of(run.settings)
        roles = roles_named(role, world)
        with _stopped_by_signals() as stop:
            worked = work(world, roles, until, stop)
        lines = [f"{n:6,}  {name}" for name, n in worked.n_enqueued.items()]
        text = "\n".join(["stopped. Workflows that this process began:", *lines, "Failures: pawl dead-letters ls"])
        run.answer(asdict(worked), text=lambda: text)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; the second Ctrl-C interrupts as ever."""
    stop = threading.Event()
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def on_signal(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for one in before:
        signal.signal(one, on_signal)
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
