"""`pawl triggers`: what fired, and how often the triggers cry wolf and how soon they notice."""

from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.trigger_acts import ls, pause, resume, retrain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.triggers.audit import TriggerAudit

__all__ = ["app", "audit_json", "shortfalls"]

app = typer.Typer(
    name="triggers", help="Triggers: what sets off a training that no schedule asks for.", no_args_is_help=True
)

MOST_FALSE_ALARMS, LEAST_FOUND = 5.0, 0.80


@app.callback()
def triggers() -> None:
    """Triggers: what sets off a training that no schedule asks for."""


app.command(name="ls")(ls)
app.command(name="pause")(pause)
app.command(name="resume")(resume)
app.command(name="retrain")(retrain)


@app.command()
def audit(
    lives: Annotated[int, typer.Option("--lives", min=5, max=10_000, help="Simulated lives of each change.")] = 50,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The seed (default: the setting).")] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure false alarms and delays on six kinds of change in three sizes; 1 where one falls short."""
    with session(home, is_json=is_json) as run:
        import numpy as np

        from pawl.triggers.audit import TriggerAuditSize, audit_triggers

        rng = np.random.default_rng(run.settings.seed if seed is None else seed)
        size = TriggerAuditSize(n_calm=lives, n_changed=lives)
        found = audit_triggers(run.settings.triggers, size, rng)
        run.answer(audit_json(found), text=lambda: _text(found))
        if shortfalls(found):
            raise typer.Exit(1)


def audit_json(found: "TriggerAudit") -> dict[str, object]:
    """As --json prints it. found_by_chance: what `found` must be compared with."""
    return {
        "false_alarms_per_1000": found.false_alarms_per_1000,
        "by_trigger": dict(found.by_trigger),
        "kinds": {
            kind: {size: {"found": one.found, "delay": one.delay} for size, one in sizes.items()}
            for kind, sizes in found.kinds.items()
        },
        "found_by_chance": dict(found.by_chance),
        "shortfalls": shortfalls(found),
    }


def shortfalls(found: "TriggerAudit") -> list[str]:
    """What falls short of at most 5 false alarms per 1,000 decisions, and of 80 % of the large changes found."""
    short = [
        f"{kind}: {sizes['large'].found:.0%} of the large changes found, {LEAST_FOUND:.0%} asked for"
        for kind, sizes in found.kinds.items()
        if sizes["large"].found < LEAST_FOUND
    ]
    if found.false_alarms_per_1000 > MOST_FALSE_ALARMS:
        short.insert(0, f"{found.false_alarms_per_1000:.1f} false alarms, {MOST_FALSE_ALARMS:.0f} allowed")
    return short


def _text(found: "TriggerAudit") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    short = shortfalls(found)
    answer = "falls short: " + "; ".join(short) if short else "sound"
    parts = ", ".join(f"{kind} {rate:.1f}" for kind, rate in found.by_trigger.items())
    head = f"{answer}. {found.false_alarms_per_1000:.1f} false alarms per 1,000 decisions without a change ({parts})."
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("change")
    for name in ("small", "medium", "large", "by chance"):
        table.add_column(name, justify="right")
    for kind, sizes in found.kinds.items():
        cells = [
            f"{one.found:.0%} after {one.delay:.0f}" if one.delay is not None else f"{one.found:.0%}"
            for one in sizes.values()
        ]
        table.add_row(kind.replace("_", " "), *cells, f"{found.by_chance[kind]:.0%}")
    last = f"Share found within {found.size.within} decisions, and the median decisions until then."
    return Group(Text(head), table, Text(last), Text("Next: the limits stand in docs/settings.md under triggers"))
