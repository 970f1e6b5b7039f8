"""`pawl features`: list the declarations of a feature set, and prove that none of them sees the future."""

from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.failure import failure_of
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    import polars as pl

    from pawl.cli.session import Session
    from pawl.market.bars import Timeframe

__all__ = ["app"]

OWN_BARS = {"reversal": "15m"}
"""Sets that are made for other bars than daily ones."""

app = typer.Typer(name="features", help="Features: list a set, prove it point-in-time.", no_args_is_help=True)


@app.command("ls")
def list_(
    name: Annotated[str, typer.Argument(metavar="SET", help="v1, v2, v3, m002 or reversal.")] = "m002",
    is_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/features.md.")] = False,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List the features of a set: name, unit, look-back in bars, and meaning."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.feature_tables import declarations_markdown, declarations_payload, declarations_text
        from pawl.features.sets import feature_set

        features = feature_set(name)
        if is_markdown and not run.is_json:
            typer.echo(declarations_markdown(features), nl=False)
        else:
            run.answer(declarations_payload(features), text=lambda: declarations_text(features))


@app.command()
def prove(
    name: Annotated[str, typer.Argument(metavar="SET", help="v1, v2, v3, m002 or reversal.")],
    timeframe: Annotated[
        str | None,
        typer.Option("--timeframe", metavar="1m|15m|1h|1d", help="The bars to prove on; default: the set's own."),
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Prove a set point-in-time on every stored bar; exit code 1 when a value changes with its future cut.

    Each value is computed again from history cut behind its bar (it must be the same to the bit), and from its
    look-back alone (the same within 1e-6 of its scale). A passed proof is recorded, and training need not repeat it.
    """
    with session(home, is_json=is_json) as run:
        from time import perf_counter

        from pawl.cli.feature_tables import proof_payload, proof_text
        from pawl.errors import FutureLeakError
        from pawl.features.proof import prove as prove_features
        from pawl.features.sets import feature_set
        from pawl.jobs.workers import workers
        from pawl.lake.proofs import ProofRecords
        from pawl.market.bars import Timeframe
        from pawl.market.fingerprint import hash_bars

        features, length = feature_set(name), Timeframe.parse(timeframe or OWN_BARS.get(name, "1d"))
        bars = _stored_bars(run, length)
        started = perf_counter()
        with run.progress() as progress, workers(run.settings.n_jobs):
            task = progress.add_task(f"proving {name}", total=1.0)
            proof = prove_features(bars, features, on_progress=lambda done: progress.update(task, completed=done))
        seconds = perf_counter() - started
        run.answer(proof_payload(proof, seconds), text=lambda: proof_text(proof, seconds))
        try:
            proof.require_pass()
        except FutureLeakError as error:
            # The figures are the one object on stdout; the reason stands on stderr.
            failure_of(error).tell(is_json=False)
            raise typer.Exit(error.exit_code) from error
        ProofRecords(run.home).put(features, hash_bars(bars))


def _stored_bars(run: "Session", timeframe: "Timeframe") -> "pl.DataFrame":
    from pawl.errors import TooLittleDataError
    from pawl.lake.silver import SilverStore

    bars = SilverStore(run.home).scan(timeframe).collect()
    if bars.is_empty():
        raise TooLittleDataError(
            f"no {timeframe} bars to prove on",
            where=str(run.home),
            fix=f"import some: pawl data import FILE --timeframe {timeframe}",
        )
    return bars
