"""`pawl dataset`: versions of what users' decisions teach, built, listed, shown, verified and compared."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import parse_instant
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import InputError

if TYPE_CHECKING:
    from pawl.cli.session import Session
    from pawl.datasets.catalogue import StoredVersion
    from pawl.datasets.versions import VerifiedDataset
    from pawl.ledger.database import Ledger

__all__ = ["dataset_app"]

dataset_app = typer.Typer(
    name="dataset", help="Dataset versions: build, list, show, verify, compare.", no_args_is_help=True
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A version's id, or how it begins.")]


@dataset_app.callback()
def dataset() -> None:
    """Dataset versions: build, list, show, verify, compare."""


@dataset_app.command()
def build(
    dataset_type: Annotated[str, typer.Argument(metavar="TYPE", help="pretrain (L2), sft (L3) or orpo (L4).")],
    start: Annotated[
        datetime, typer.Option("--from", parser=parse_instant, metavar="DATE", help="First decision, UTC (inclusive).")
    ],
    end: Annotated[
        datetime, typer.Option("--to", parser=parse_instant, metavar="DATE", help="End of the decisions (exclusive).")
    ],
    cut_at: Annotated[
        datetime | None,
        typer.Option(
            "--cut",
            parser=parse_instant,
            metavar="TIME",
            help="Outcomes before this count (default: up to the newest).",
        ),
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Build a dataset version from the finished decisions of users; the same request again is the same version.

    Only outcomes recorded before the cut count, and everything recorded before it must have been folded. Exit code 1
    where that is not so, where nothing is left, or where rare market regimes cannot be given their share.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.dataset_tables import built_text
        from pawl.datasets.versions import DatasetRequest, build_dataset
        from pawl.jobs.code_version import code_version

        request = DatasetRequest(
            dataset_type=dataset_type,
            start=start,
            end=end,
            cut_at=cut_at,
            settings=run.settings.passport,
            seed=run.settings.seed,
            code=code_version(),
        )
        built = build_dataset(_ledger(run), run.home, request, datetime.now(UTC))
        payload = {
            "dataset_version_id": str(built.dataset_version_id),
            "hash": built.content_hash,
            "sample_count": built.sample_count,
            "quality": built.quality,
        }
        run.answer(payload, text=lambda: built_text(built, dataset_type))


@dataset_app.command("ls")
def list_all(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """List every dataset version, the newest first."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.dataset_tables import list_text
        from pawl.datasets.catalogue import list_versions

        with _ledger(run).reading() as tx:
            listed = list_versions(tx)
        run.answer([_payload(one) for one in listed], text=lambda: list_text(listed))


@dataset_app.command()
def show(version: IdArgument, home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Show a version whole: what it was built from, and its quality report."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.dataset_tables import version_text

        stored = _find(_ledger(run), version)
        payload = {**_payload(stored), "filters": stored.filters, "quality": stored.quality_report}
        run.answer(payload, text=lambda: version_text(stored))


@dataset_app.command()
def verify(version: IdArgument, home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Build a version again from its filters and compare hash and count; exit code 1 where they differ."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.dataset_tables import verified_text

        ledger = _ledger(run)
        stored = _find(ledger, version)
        found = _verified(run, ledger, stored)
        payload = {
            "hash": found.content_hash,
            "rebuilt_hash": found.rebuilt_hash,
            "identical": found.is_identical,
            "sample_count": found.sample_count,
            "rebuilt_count": found.rebuilt_count,
            "file": found.file,
        }
        run.answer(payload, text=lambda: verified_text(stored, found))
        if not found.is_identical:
            raise typer.Exit(1)


@dataset_app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A version's id, or how it begins.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one's.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Compare two versions: every value of filters, counts, hash and quality report in which they differ."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.dataset_tables import diff_text
        from pawl.datasets.catalogue import differences

        ledger = _ledger(run)
        one, other = _find(ledger, first), _find(ledger, second)
        found = differences(one, other)
        payload = {
            "a": str(one.dataset_version_id),
            "b": str(other.dataset_version_id),
            "same_rows": one.content_hash == other.content_hash,
            "differences": [{"name": each.name, "a": each.first, "b": each.second} for each in found],
        }
        run.answer(payload, text=lambda: diff_text(one, other, found))


@dataset_app.command("add-text")
def add_text(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A text file in UTF-8.")],
    source: Annotated[str, typer.Option("--source", metavar="TEXT", help="Where the text comes from.")] = "",
    licence: Annotated[str, typer.Option("--licence", metavar="TEXT", help="Under which licence it may be used.")] = "",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Add a text from outside to the corpora built from now on; without a checked licence it is refused (exit 1)."""
    with session(home, is_json=is_json) as run:
        from pawl.datasets import corpus_texts

        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read it: {error}", where=str(path), fix="give a text file in UTF-8") from error
        with _ledger(run).transaction() as tx:
            name = corpus_texts.add_text(tx, content, source, licence, datetime.now(UTC))
        payload = {"document_id": str(name), "source": source, "licence": licence}
        run.answer(
            payload,
            text=lambda: f"kept as {name}, under {licence}\nNext: pawl dataset build pretrain --from DATE --to DATE",
        )


def _ledger(run: "Session") -> "Ledger":
    from pawl.jobs.ledgers import ledger_of

    return ledger_of(run.settings)


def _find(ledger: "Ledger", prefix: str) -> "StoredVersion":
    from pawl.datasets.catalogue import find_version

    with ledger.reading() as tx:
        return find_version(tx, prefix)


def _verified(run: "Session", ledger: "Ledger", stored: "StoredVersion") -> "VerifiedDataset":
    from pawl.datasets.recipe import LAYER_TYPES
    from pawl.datasets.versions import verify_dataset

    if stored.dataset_type in LAYER_TYPES:
        return verify_dataset(ledger, run.home, stored.dataset_version_id)
    from pawl.cli.composition import learner_named
    from pawl.jobs.verifying import verify_bars

    return verify_bars(run.home, stored, learner_named(stored.learner, run.settings).spec)


def _payload(stored: "StoredVersion") -> dict[str, object]:
    return {
        "dataset_version_id": str(stored.dataset_version_id),
        "dataset_type": stored.dataset_type,
        "learner": stored.learner,
        "window_start": stored.window_start.isoformat(),
        "window_end": stored.window_end.isoformat(),
        "sample_count": stored.sample_count,
        "hash": stored.content_hash,
        "created_at": stored.created_at.isoformat(),
    }
