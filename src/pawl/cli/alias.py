"""`pawl promote` and `pawl rollback`: the two ways in which the serving alias moves."""

from contextlib import ExitStack, closing
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

import typer

from pawl.cli.arguments import stored_version
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import RefusalError

__all__ = ["promote", "rollback"]


def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A version that the gate has passed.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Let a version serve, by a passing verdict against what serves now; nothing else moves the alias forward."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.live.act_record import acting, record_act
        from pawl.jobs.live.announcing import announce_move
        from pawl.ledger.deployments import Move
        from pawl.ledger.deployments import promote as move_forward
        from pawl.ledger.evaluations import newest_report
        from pawl.ledger.model_versions import get_version

        with closing(open_ledger(run.settings, None)) as ledger, ExitStack() as stack:
            with ledger.reading() as tx:
                named = get_version(tx, stored_version(version))
            at = stack.enter_context(acting(ledger, named.learner, datetime.now(UTC)))
            tx = stack.enter_context(ledger.transaction())
            report = newest_report(tx, named.version)
            if report is None:
                raise RefusalError(f"`{version}` was never judged", where="promotion", fix=f"pawl gate judge {version}")
            move = Move(by="pawl promote", reason="; ".join(report.verdict.reasons), at=at)
            moved = move_forward(tx, report.version, report.eval_id, move)
            announce_move(tx, moved)
            told = {"version": moved.to_version, "eval_id": str(moved.eval_id), "reason": move.reason, "by": move.by}
            record_act(tx, moved.learner, "promote", at, told)
        payload = {
            "learner": moved.learner,
            "from": moved.from_version,
            "to": moved.to_version,
            "eval_id": str(moved.eval_id),
        }
        instead = f" in place of {moved.from_version}" if moved.from_version else ""
        run.answer(
            payload,
            text=lambda: f"{moved.to_version} serves{instead}: {move.reason}.\nBack: pawl rollback {moved.learner}",
        )


def rollback(
    learner: Annotated[str, typer.Argument(metavar="LEARNER", help="The learner whose version before serves again.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="One that served before (default: the last that did).")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the deployment log.")] = "asked for",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Go back to a version that served before, once it has said its golden predictions again; 1 when it may not."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, rollout_rules_of
        from pawl.ids import ModelVersion
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.rollback import Asked, roll_back_learner
        from pawl.jobs.workspace import Workspace

        with closing(open_ledger(run.settings, None)) as ledger:  # it refuses where nothing was ever trained
            chosen = learner_named(learner, run.settings)
            named = None if to is None else ModelVersion(to)
            asked = Asked(by="pawl rollback", reason=reason, now=datetime.now(UTC), to=named)
            rules = rollout_rules_of(run.settings)
            done = roll_back_learner(Workspace.at(run.settings.home, ledger), chosen, asked, rules, monotonic)
        payload = {
            "learner": learner,
            "from": done.from_version,
            "to": done.to_version,
            "golden_identical": True,
            "seconds": round(done.seconds, 3),
        }
        run.answer(
            payload,
            text=lambda: (
                f"{done.to_version} serves again in place of {done.from_version}: its golden predictions are "
                f"the same to the byte ({done.seconds:.3f} s after loading)."
            ),
        )
