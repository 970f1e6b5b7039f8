"""`pawl demo`: from bars to a proven version in some minutes, offline."""

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.demo import Demo

__all__ = ["demo"]


def demo(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Simulate a market, check it, prove the features, train m002, test it on unseen rows, and write report.html."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.demo import DEMO_MEANING, DEMO_PROFILE, MARKET, DemoOrder, run_demo
        from pawl.jobs.workspace import Workspace

        began = monotonic()
        if not is_json:
            run.stdout.print(
                f"Pawl demo, offline: {len(MARKET.tickers)} simulated tickers, {MARKET.n_bars} daily bars each, "
                f"seed {run.settings.seed}.\nProfile {DEMO_PROFILE}: {DEMO_MEANING}."
            )
        order = DemoOrder(
            now=datetime.now(UTC),
            seed=run.settings.seed,
            costs=run.settings.costs,
            limits=run.settings.quality,
            n_jobs=run.settings.n_jobs,
        )
        with run.stages() as on_stage:
            done = run_demo(Workspace.at(run.home), order, on_stage)
        seconds = monotonic() - began
        run.answer(_payload(done, seconds), text=lambda: _text(done, seconds))


def _payload(done: "Demo", seconds: float) -> dict[str, object]:
    return {
        "version": done.trained.record.version,
        "tickers": list(done.merge.tickers),
        "proof": {
            "features": len(done.proof.features),
            "cells": done.proof.cells,
            "mismatches": done.proof.mismatches,
            "near_limit": done.proof.near_limit,
        },
        "metrics": dict(done.tested.scored.model.metrics),
        "baselines": {name: dict(scored.metrics) for name, scored in done.tested.scored.baselines.items()},
        "report": str(done.tested.path),
        "seconds": round(seconds, 1),
    }


def _text(done: "Demo", seconds: float) -> "RenderableType":
    from rich.console import Group

    from pawl.reports.tables import summary

    record, data = done.trained.record, done.tested.data
    verdicts = [done.quality.verdict(ticker) for ticker in done.quality.rows]
    return Group(
        "",
        summary(data),
        "",
        f"data      {sum(done.quality.rows.values()):,} bars of {len(verdicts)} tickers checked, "
        f"{verdicts.count('fail')} failed",
        f"proof     {len(done.proof.features)} features × every bar = {done.proof.cells:,} values, "
        f"{done.proof.mismatches} changed when their future was cut",
        f"version   {record.version}, which has read nothing after {record.certificate.max_t1:%Y-%m-%d}",
        f"unseen    {data.start:%Y-%m-%d} to {data.end:%Y-%m-%d}, "
        f"{done.tested.scored.model.metrics['n_trades']:.0f} trades after costs",
        f"took      {seconds:.0f} s",
        "",
        f"Open {done.tested.newest}",
        "Next:",
        f"  pawl features ls m002 --home {done.tested.newest.parent}",
        f"  pawl backtest {record.version} --from {record.certificate.max_t1:%Y-%m-%d}    refused: it has read that",
        "  pawl data import FILE.parquet --timeframe 1d    your own bars",
    )
