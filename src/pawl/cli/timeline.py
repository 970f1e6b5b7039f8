"""The timeline of a replay while it runs: every training and verdict, and the policies growing side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pawl.cli.session import Session

if TYPE_CHECKING:
    from rich.live import Live

    from pawl.jobs.replaying import Progress, Watch

__all__ = ["timeline"]


@contextmanager
def timeline(run: Session) -> Iterator["Watch"]:
    """Whom a replay tells what it does. A terminal shows one live picture; elsewhere it is a line a step on stderr."""
    from rich.live import Live

    from pawl.jobs.replaying import Watch

    if not run.stderr.is_terminal:
        with run.stages() as on_stage:
            yield Watch(on_stage=on_stage, on_step=_Lines(run).on_step)
        return
    with Live(console=run.stderr, refresh_per_second=4, transient=True) as live:
        picture = _Picture(run, live)
        yield Watch(on_stage=picture.on_stage, on_step=picture.on_step)


class _Lines:
    """A line for the verdict, and one for the policies."""

    def __init__(self, run: Session) -> None:
        self.run = run

    def on_step(self, progress: "Progress") -> None:
        """Print a step."""
        from pawl.reports.report_data import Unit
        from pawl.reports.wording import signed

        grown = (f"{name} {signed(value, Unit.PERCENT)}" for name, value in progress.net_return.items())
        so_far = f"            by its end: {', '.join(grown)}"
        self.run.stderr.print(_verdict(progress), so_far, sep="\n", highlight=False, soft_wrap=True)


class _Picture:
    """Verdicts scroll by above; below stand the policies and what is being done."""

    def __init__(self, run: Session, live: "Live") -> None:
        self.run = run
        self.live = live
        self.stage = ""
        self.grown: dict[str, list[float]] = {}
        self.serving: dict[str, str] = {}

    def on_stage(self, stage: str, fraction: float) -> None:
        """Show what is being done, and how far it is."""
        self.stage = f"{stage}  {100 * fraction:.0f} %"
        self._draw()

    def on_step(self, progress: "Progress") -> None:
        """Let the policies grow by a step."""
        for policy, value in progress.net_return.items():
            self.grown.setdefault(policy, []).append(value)
        self.serving = dict(progress.played.serving)
        self.live.console.print(_verdict(progress), highlight=False, soft_wrap=True)
        self._draw()

    def _draw(self) -> None:
        from rich.console import Group

        from pawl.reports.policies import growth_table

        self.live.update(Group("", growth_table(self.grown, self.serving), "", self.stage))


def _verdict(progress: "Progress") -> str:
    judged = progress.judged
    what = "promoted" if judged.is_promoted else "refused "
    first, *others = judged.verdict.reasons
    more = f" (and {len(others)} more)" if others else ""
    return f"{judged.step.begin:%Y-%m-%d}  {judged.record.version}  {what}  {first}{more}"
