"""`pawl worker`: the background work of a workspace."""

from typing import Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.stopping import stopped_by_signals
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
        with stopped_by_signals() as stop:
            worked = work(world, roles, until, stop)
        lines = [f"{n:6,}  {name}" for name, n in worked.n_enqueued.items()]
        text = "\n".join(["stopped. Workflows that this process began:", *lines, "Failures: pawl dead-letters ls"])
        run.answer(asdict(worked), text=lambda: text)
