"""`pawl simulate users`: a crowd that acts through the service, and what every layer makes of it."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.serving.crowd_service import CrowdReport

__all__ = ["simulate_app"]

simulate_app = typer.Typer(name="simulate", help="Simulated users, offline.", no_args_is_help=True)


@simulate_app.callback()
def simulate() -> None:
    """Simulated users, offline."""


@simulate_app.command()
def users(
    days: Annotated[int, typer.Option("--days", min=1, max=3650, metavar="N", help="Days the crowd lives.")] = 60,
    n_users: Annotated[
        int, typer.Option("--users", min=1, max=10_000, metavar="N", help="Users, of all personas in turn.")
    ] = 200,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="What everything follows from (default: seed).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Let users act on a simulated market through the HTTP API, and build every layer from what they did.

    It brings its own market, model and server, and wants an empty workspace. One seed gives the same decisions,
    counts and dataset hashes in every run; docs/simulation.md tells who the users are.
    """
    with session(home, is_json=is_json) as run:
        from pawl.jobs.code_version import code_version
        from pawl.jobs.learning_status import PassportRules
        from pawl.jobs.ledgers import ledger_of
        from pawl.serving.crowd_service import CrowdOrder, simulate_users

        order = CrowdOrder(
            days=days,
            users=n_users,
            seed=run.settings.seed if seed is None else seed,
            server=run.settings.server,
            rules=PassportRules(behaviour=run.settings.behaviour, passport=run.settings.passport),
            code=code_version(),
        )
        with closing(ledger_of(run.settings)) as ledger, run.stages() as progress:
            report = simulate_users(ledger, run.home, order, progress)
        run.answer(_payload(report), text=lambda: _text(report))


def _payload(report: "CrowdReport") -> dict[str, object]:
    layers, lived = report.layers, report.lived
    return {
        "L0": layers.n_events,
        "L1": layers.n_trajectories,
        "L2": layers.n_samples("pretrain"),
        "L3": layers.n_samples("sft"),
        "L4": layers.n_samples("orpo"),
        "lake_records": layers.n_lake_records,
        "labels": dict(layers.labels),
        "datasets": {name: _dataset(built) for name, built in layers.datasets.items()},
        "personas": {
            one.persona: {"users": one.n_users, "weakness": one.weakness, "shown": dict(one.n_shown)}
            for one in report.findings
        },
        "requests": dict(lived.n_by_kind),
        "inferences": lived.n_inferences,
        "open_trades": lived.n_open,
        "days": report.order.days,
        "users": report.order.users,
        "seed": report.order.seed,
        "requests_per_sec": round(report.requests_per_sec, 1),
        "seconds": {name: round(seconds, 3) for name, seconds in report.seconds.items()},
    }


def _dataset(built: object) -> dict[str, object]:
    from pawl.datasets.versions import BuiltDataset

    if isinstance(built, BuiltDataset):
        return {
            "dataset_version_id": str(built.dataset_version_id),
            "hash": built.content_hash,
            "sample_count": built.sample_count,
        }
    return {"dataset_version_id": None, "refused": str(built)}


def _text(report: "CrowdReport") -> "RenderableType":
    from rich.console import Group

    lived, layers = report.lived, report.layers
    refused = [f"no {name} dataset: {built}" for name, built in layers.datasets.items() if isinstance(built, Exception)]
    return Group(
        f"{report.order.users} users acted for {report.order.days} days: {lived.n_requests:,} requests, "
        f"{report.requests_per_sec:,.0f} a second",
        "",
        _layer_table(report),
        *refused,
        "",
        _persona_table(report),
        "",
        "Next: pawl explain TRACE (a trace_id of the ledger); pawl dataset ls",
    )


def _layer_table(report: "CrowdReport") -> "RenderableType":
    from rich.table import Table

    layers, seconds = report.layers, report.seconds
    labels = ", ".join(f"{n:,} {name}" for name, n in layers.labels.items())
    rows = (
        ("L0", layers.n_events, "events", "days", f"{layers.n_lake_records:,} records in the lake"),
        ("L1", layers.n_trajectories, "trajectories", "fold", labels),
        ("L2", layers.n_samples("pretrain"), "corpus documents", "pretrain", ""),
        ("L3", layers.n_samples("sft"), "supervised samples", "sft", ""),
        ("L4", layers.n_samples("orpo"), "preference pairs", "orpo", ""),
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("layer", "rows", "", "seconds", ""):
        table.add_column(name, justify="right" if name in ("rows", "seconds") else "left")
    for layer, n, what, stage, note in rows:
        table.add_row(layer, f"{n:,}", what, f"{seconds[stage]:.1f}", note)
    return table


def _persona_table(report: "CrowdReport") -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("persona", "users", "its weakness", "found in", "others found"):
        table.add_column(name, justify="right" if name in ("users", "found in") else "left")
    for one in report.findings:
        others = ", ".join(f"{name} {n}" for name, n in one.n_shown.items() if name != one.weakness)
        found = "" if one.weakness is None else str(one.n_shown.get(one.weakness, 0))
        table.add_row(one.persona, str(one.n_users), one.weakness or "none", found, others or "none")
    return table
