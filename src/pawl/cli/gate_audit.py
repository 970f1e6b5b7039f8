"""`pawl gate audit`: how often the online test, as it is set, promotes what is no better, and how soon what is."""

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from rich.console import RenderableType

    from pawl.cli.session import Session
    from pawl.gates.audit import AuditSize, GateAudit, NullRate, Power

__all__ = ["OwnAudit", "audit", "audit_json", "own_json"]

LIMIT, UPPER_LIMIT = 0.05, 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAudit:
    """The test on a learner's own days: how often it promotes where their mean is taken out, and what it finds."""

    n_days: int
    null: "NullRate"
    power: "Mapping[str, Power]"


def audit(
    paths: Annotated[int, typer.Option("--paths", min=50, max=100_000, help="Simulated lives of each market.")] = 4000,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The seed (default: the setting).")] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure the online test by simulation, beside a comparison of means and a peeked z-test; 1 for too lax."""
    with session(home, is_json=is_json) as run:
        import numpy as np

        from pawl.gates.audit import AuditSize, audit_gate

        rng = np.random.default_rng(run.settings.seed if seed is None else seed)
        found = audit_gate(run.settings.sequence, AuditSize(n_paths=paths), rng)
        own = _own(run, AuditSize(n_paths=paths), rng)
        payload = {**audit_json(found), "own": own_json(own)}
        run.answer(payload, text=lambda: _text(found, own))
        nulls = found.nulls["gate"].values()
        if any(one.false_promotion > LIMIT or one.upper95 > UPPER_LIMIT for one in nulls):
            raise typer.Exit(1)


def own_json(own: "Mapping[str, OwnAudit | str]") -> dict[str, object]:
    """Learner → the same figures on its own days, without limits; or why there are none."""
    return {
        learner: {"reason": one}
        if isinstance(one, str)
        else {
            "days": one.n_days,
            "false_promotion": one.null.false_promotion,
            "upper95": one.null.upper95,
            "power": _powers({"own": one.power})["own"],
        }
        for learner, one in own.items()
    }


def _own(run: "Session", size: "AuditSize", rng: "np.random.Generator") -> "dict[str, OwnAudit | str]":
    """The test on the days of every learner that has had enough paired outcomes."""
    from datetime import UTC, datetime

    from pawl.errors import TooLittleDataError
    from pawl.gates.audit import audit_own
    from pawl.jobs.ledgers import has_ledger, ledger_of
    from pawl.jobs.live.own_gains import own_day_gains

    if not has_ledger(run.settings):
        return {}
    with closing(ledger_of(run.settings)) as ledger, ledger.reading() as tx:
        gains = own_day_gains(tx, datetime.now(UTC))
    found: dict[str, OwnAudit | str] = {}
    for learner, days in sorted(gains.items()):
        try:
            null, power = audit_own(days, run.settings.sequence, size, rng)
        except TooLittleDataError as error:
            found[learner] = error.what
        else:
            found[learner] = OwnAudit(n_days=len(days), null=null, power=power)
    return found


def audit_json(found: "GateAudit") -> dict[str, object]:
    """As --json prints it: the configured test, then the two that people use."""
    gate = {
        "nulls": _nulls(found.nulls["gate"]),
        "power": {
            **_powers(found.power["gate"]),
            "median_at_0.1_sd": {
                world: {"median_days": one.median_days, "fixed_days": one.fixed_days, "ratio": one.ratio}
                for world, one in found.times.items()
            },
        },
    }
    others = {
        name: {"nulls": _nulls(found.nulls[name]), "power": _powers(found.power[name])}
        for name in ("naive", "peeked_z")
    }
    return {**gate, **others, "paths": found.size.n_paths, "blocks": found.size.n_blocks}


def _nulls(rates: "Mapping[str, NullRate]") -> dict[str, dict[str, float]]:
    return {name: {"false_promotion": one.false_promotion, "upper95": one.upper95} for name, one in rates.items()}


def _powers(powers: "Mapping[str, Mapping[str, Power]]") -> dict[str, object]:
    return {
        world: {
            effect: {
                **{f"within_{days}_days": share for days, share in one.within.items()},
                "median_days": one.median_days,
            }
            for effect, one in effects.items()
        }
        for world, effects in powers.items()
    }


def _text(found: "GateAudit", own: "Mapping[str, OwnAudit | str]") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    gate = found.nulls["gate"]
    worst = max(gate, key=lambda name: gate[name].false_promotion)
    is_sound = all(one.false_promotion <= LIMIT and one.upper95 <= UPPER_LIMIT for one in gate.values())
    answer = "sound" if is_sound else "too lax"
    head = (
        f"{answer}: promotes what is no better in at most {gate[worst].false_promotion:.1%} of {found.size.n_paths:,} "
        f"lives ({worst.replace('_', ' ')}; upper 95 % bound {gate[worst].upper95:.1%}), looked at after each of "
        f"{found.size.n_blocks} blocks."
    )
    times = "; ".join(
        f"{name.replace('_', ' ')} {_days(one.median_days)}, {one.ratio or float('nan'):.2f} × a test with one look"
        for name, one in found.times.items()
    )
    reference = "Reference of the power: t3, 150 bps, 20 paired decisions a day, correlation 0.8 between the versions."
    return Group(
        Text(head),
        _null_table(found),
        _power_table(found),
        Text(f"Median time at 0.1 deviations: {times}."),
        Text(reference),
        *(Text(line) for line in _own_lines(own)),
        Text("Next: pawl gate explain VERSION"),
    )


def _own_lines(own: "Mapping[str, OwnAudit | str]") -> list[str]:
    if not own:
        return ["Own outcomes: fewer than 300 resolved pairs, so the reference stands for them."]
    lines = []
    for learner, one in own.items():
        if isinstance(one, str):
            lines.append(f"Own outcomes, {learner}: {one}")
            continue
        within = ", ".join(
            f"{name} bps in {days} days {share:.0%}"
            for name, each in one.power.items()
            for days, share in each.within.items()
        )
        lines.append(
            f"Own outcomes, {learner}: {one.n_days} days; promotes what is no better in {one.null.false_promotion:.1%} "
            f"(upper 95 % bound {one.null.upper95:.1%}); finds {within}."
        )
    return lines


def _null_table(found: "GateAudit") -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("no version is better")
    for name in ("this gate", "upper 95 %", "naive mean", "peeked z"):
        table.add_column(name, justify="right")
    for world, one in found.nulls["gate"].items():
        others = [f"{found.nulls[name][world].false_promotion:.1%}" for name in ("naive", "peeked_z")]
        table.add_row(world.replace("_", " "), f"{one.false_promotion:.1%}", f"{one.upper95:.1%}", *others)
    return table


def _power_table(found: "GateAudit") -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("a version is better by")
    for days in found.size.days:
        table.add_column(f"in {days} days", justify="right")
    table.add_column("median", justify="right")
    for world, effects in found.power["gate"].items():
        for effect, one in effects.items():
            shares = [f"{share:.0%}" for share in one.within.values()]
            table.add_row(f"{effect} bps, {world.replace('_', ' ')}", *shares, _days(one.median_days))
    return table


def _days(days: float | None) -> str:
    return "never" if days is None else f"{days:.0f} days"
