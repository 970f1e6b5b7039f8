"""`pawl status`: what serves, what waits, and what was replayed."""

from typing import TYPE_CHECKING

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.overview import Overview

__all__ = ["status"]


def status(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Say which version of each learner serves, since when, what waits for a verdict, and which replays there are."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.overview import overview

        found = overview(run.settings)
        run.answer({"home": str(run.home), **_payload(found)}, text=lambda: _text(found))


def _payload(found: "Overview") -> dict[str, object]:
    return {
        "learners": [
            {
                "learner": one.learner,
                "role": one.role,
                "champion": one.champion,
                "since": one.since.isoformat() if one.since else None,
                "before": one.before,
                "newest": one.newest,
                "newest_verdict": one.newest_verdict,
                "versions": dict(one.by_status),
            }
            for one in found.learners
        ],
        "jobs": dict(found.jobs),
        "replays": [
            {
                "name": name,
                "learner": state.learner,
                "from": state.start,
                "to": state.end,
                "finished": state.ledger_hash is not None,
                "ledger_hash": state.ledger_hash,
            }
            for name, state in found.replays.items()
        ],
    }


def _text(found: "Overview") -> "RenderableType":
    from rich.console import Group

    lines: list[str] = []
    for one in found.learners:
        serves = f"{one.champion} serves since {one.since:%Y-%m-%d %H:%M} UTC" if one.champion else "nothing serves"
        back = f", before it {one.before}" if one.before else ""
        counts = ", ".join(f"{n} {state}" for state, n in sorted(one.by_status.items()))
        verdict = one.newest_verdict or "not judged"
        lines += [f"{one.learner}: {serves}{back}", f"  versions: {counts}; newest {one.newest} ({verdict})"]
    if not lines:
        lines = ["no version was ever trained here. Next: pawl train LEARNER (m002, reversal), or pawl up"]
    if found.jobs:
        lines.append(f"training jobs: {_counted(found)}")
    for name, state in found.replays.items():
        seal = f"ledger hash {state.ledger_hash[:12]}…" if state.ledger_hash else "not finished: run it again to go on"
        lines.append(f"replay {name}: {state.learner}, {state.start[:10]} to {state.end[:10]}, {seal}")
    return Group(*lines)


def _counted(found: "Overview") -> str:
    return ", ".join(f"{n} {state}" for state, n in sorted(found.jobs.items()))
