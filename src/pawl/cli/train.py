"""`pawl train`: visible bars become a version."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import FromOption, TickersOption, ToOption, names
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.training import TrainedVersion
    from pawl.ledger.evaluations import EvaluationReport

__all__ = ["train"]


def train(
    learner: Annotated[
        str, typer.Argument(metavar="LEARNER", help="m002, reversal, or one of your own (settings: learners).")
    ],
    to: ToOption = None,
    start: FromOption = None,
    tickers: TickersOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Train a learner and its baselines on what had closed before --to, record a version, and judge it.

    Nothing is moved by it: a version that passed serves after `pawl promote`.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, terms_of, workspace_of
        from pawl.jobs.live.act_record import note_by_hand
        from pawl.jobs.training import train as train_version
        from pawl.jobs.training_data import TrainingOrder
        from pawl.jobs.verdicts import judge_version

        now = datetime.now(UTC)
        order = TrainingOrder(
            start=start,
            to=to or now,
            now=now,
            tickers=names(tickers),
            seed=run.settings.seed,
            costs=run.settings.costs,
            limits=run.settings.quality,
            n_jobs=run.settings.n_jobs,
        )
        chosen = learner_named(learner, run.settings)
        workspace = workspace_of(run.settings)
        note_by_hand(workspace.versions.ledger, learner, now)
        with run.stages() as on_stage:
            trained = train_version(workspace, chosen, order, on_stage)
            on_stage("asking the gate", 0.0)
            report = judge_version(workspace, chosen, trained.record.version, terms_of(run.settings), now)
            on_stage("asking the gate", 1.0)
        run.answer(_payload(trained, report), text=lambda: _text(trained, report))


def _payload(trained: "TrainedVersion", report: "EvaluationReport") -> dict[str, object]:
    record = trained.record
    return {
        "version": record.version,
        "certificate": record.certificate.to_json(),
        "metrics": dict(record.metrics),
        "baselines": {name: dict(figures) for name, figures in record.baselines.items()},
        "left_out": dict(trained.left_out),
        "champion": report.baseline,
        "verdict": "pass" if report.verdict.passed else "fail",
        "reasons": list(report.verdict.reasons),
    }


def _text(trained: "TrainedVersion", report: "EvaluationReport") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from pawl.gates.table import headline
    from pawl.reports.figures import figures_table

    record = trained.record
    certificate = record.certificate
    left_out = [f"left out: {ticker} {why}" for ticker, why in trained.left_out.items()]
    return Group(
        f"{record.version} trained on {len(record.tickers)} tickers. On the newest dates, which no fit has read:",
        figures_table(record.learner, record.metrics, record.baselines),
        *left_out,
        f"It has read bars and labels up to {certificate.max_t1:%Y-%m-%d %H:%M} UTC "
        f"(dataset {certificate.dataset_hash[:12]}, seed {certificate.seed}).",
        Text(headline(report.verdict, record.version, report.baseline)),
        f"Next: pawl backtest {record.version} --from {certificate.first_allowed:%Y-%m-%d}",
        f"      pawl {'promote' if report.verdict.passed else 'gate explain'} {record.version}",
    )
