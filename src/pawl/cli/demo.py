"""`pawl demo`: four years of a market through the whole loop in minutes, offline."""

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from pawl.cli.replay_answer import replay_payload, replay_text
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.cli.timeline import timeline

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.demo import Demo

__all__ = ["demo"]

POLICIES_IN_WORDS = """A version is trained every 91 days; three policies use the same ones:
  gated    a version serves only when the gate has measured it to be better than the one that serves
  always   every new version replaces the last, as a retraining by cron does
  frozen   the first version serves for ever"""


def demo(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Simulate a market that changes, replay the learning loop through it, and show what the gate was worth."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.demo import DemoOrder, run_demo
        from pawl.jobs.demo_market import DEMO_END, DEMO_MARKET, DEMO_START
        from pawl.jobs.workspace import Workspace

        began = monotonic()
        if not is_json:
            of = f"{len(DEMO_MARKET.tickers)} simulated tickers, {DEMO_MARKET.n_bars} daily bars each"
            years = f"{DEMO_START:%Y-%m-%d} to {DEMO_END:%Y-%m-%d}"
            run.stdout.print(f"Pawl demo, offline: {of}.\nReplaying {years}. {POLICIES_IN_WORDS}\n")
        order = DemoOrder(
            now=datetime.now(UTC),
            costs=run.settings.costs,
            gate=run.settings.gate,
            limits=run.settings.quality,
            n_jobs=run.settings.n_jobs,
        )
        with timeline(run) as watch:
            done = run_demo(Workspace.at(run.home), order, watch)
        seconds = monotonic() - began
        run.answer(_payload(done, seconds), text=lambda: _text(done, seconds))


def _payload(done: "Demo", seconds: float) -> dict[str, object]:
    return {
        "tickers": list(done.merge.tickers),
        "proof": {
            "features": len(done.proof.features),
            "cells": done.proof.cells,
            "mismatches": done.proof.mismatches,
            "near_limit": done.proof.near_limit,
        },
        **replay_payload(done.sealed, done.page, seconds),
    }


def _text(done: "Demo", seconds: float) -> "RenderableType":
    from rich.console import Group

    verdicts = [done.quality.verdict(ticker) for ticker in done.quality.rows]
    home = done.page.newest.parent
    return Group(
        "",
        replay_text(done.sealed, done.page, seconds),
        "",
        f"data      {sum(done.quality.rows.values()):,} bars of {len(verdicts)} tickers checked, "
        f"{verdicts.count('fail')} failed",
        f"proof     {len(done.proof.features)} features × every bar = {done.proof.cells:,} values, "
        f"{done.proof.mismatches} changed when their future was cut",
        "market    simulated, and made to show a change that a retrained version learns and a stretch that misleads it",
        "",
        f"All of these with --home {home}. Then your own bars:",
        "  pawl data import FILE.parquet --timeframe 1d",
        "  pawl replay --from DATE --to DATE",
    )
