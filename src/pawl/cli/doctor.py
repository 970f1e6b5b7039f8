"""`pawl doctor`: whether this machine and these settings will do, and what to mend where they will not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.cli.machine import Machine
    from pawl.settings import Settings

__all__ = ["Check", "Verdict", "doctor", "examine"]

OLDEST_PYTHON = (3, 11)
# The demo's training peaks below 1 GB; 25 tickers of daily bars below 2 GB, and the net beside it.
TIGHT_MEMORY_GB, NO_MEMORY_GB = 4.0, 1.0
# Bars, artifacts and reports of the demo take 50 MB; a write that fills the disk is refused and loses nothing.
TIGHT_DISK_GB, NO_DISK_GB = 2.0, 0.2
COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


class Verdict(StrEnum):
    """ok; warn: it works, but worse than it could; fail: something will not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at: what was found, and what to do where it is not ok."""

    name: str
    verdict: Verdict = Verdict.OK
    found: str
    fix: str = ""


def doctor(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Check the machine, the packages and the settings; exit code 1 when something would not work.

    Nothing is changed. What only the tests need is told, and never fails.
    """
    from pawl.cli.machine import look_at_machine

    problems: list[SettingsError] = []

    def load(at: Path | None) -> "Settings":
        from pawl.settings import Settings, load_settings, workspace_root

        try:
            return load_settings(at)
        except SettingsError as error:
            problems.append(error)
            return Settings(home=workspace_root(at))

    with session(home, is_json=is_json, load=load) as run:
        checks = [*examine(look_at_machine(run.home)), *_settings_checks(run.settings, problems)]
        is_ok = all(check.verdict is not Verdict.FAIL for check in checks)
        run.answer({"ok": is_ok, "checks": [_payload(check) for check in checks]}, text=lambda: _text(checks))
        if not is_ok:
            raise typer.Exit(1)


def examine(machine: "Machine") -> Iterator[Check]:
    """What to think of a machine."""
    yield _python(machine)
    yield _packages(machine)
    yield Check(name="processor", found=_counted(machine.n_cores, "core"))
    yield _memory(machine)
    yield _disk(machine)
    yield _workspace(machine)
    yield _kernel_cache(machine)
    yield _threads(machine)
    yield Check(
        name="GPU", found="NVIDIA" if machine.has_gpu else "none; the nets are small and train on the processor"
    )
    yield Check(name="Chromium", found=machine.browser or "none; only the tests look at report.html with it")


def _python(machine: "Machine") -> Check:
    found = ".".join(map(str, machine.python))
    if machine.python[:2] < OLDEST_PYTHON:
        return Check(name="Python", verdict=Verdict.FAIL, found=found, fix="install Python 3.11, then make install")
    return Check(name="Python", found=found)


def _packages(machine: "Machine") -> Check:
    missing = [package.name for package in machine.packages if package.installed is None]
    if missing:
        return Check(name="packages", verdict=Verdict.FAIL, found=f"missing: {', '.join(missing)}", fix="make install")
    others = [
        f"{each.name} {each.installed} (tested: {each.tested})" for each in machine.packages if not each.is_tested
    ]
    if others:
        return Check(
            name="packages", verdict=Verdict.WARN, found=", ".join(others), fix="make install, for the tested versions"
        )
    return Check(name="packages", found=f"{len(machine.packages)}, all present")


def _memory(machine: "Machine") -> Check:
    if machine.memory_gb is None:
        return Check(name="memory", found="the system does not say")
    found = f"{machine.memory_gb:.1f} GB free"
    if machine.memory_gb >= TIGHT_MEMORY_GB:
        return Check(name="memory", found=found)
    verdict = Verdict.FAIL if machine.memory_gb < NO_MEMORY_GB else Verdict.WARN
    return Check(name="memory", verdict=verdict, found=found, fix="close programs, or set n_jobs = 1 in settings.toml")


def _disk(machine: "Machine") -> Check:
    found = f"{machine.disk_gb:.1f} GB free"
    if machine.disk_gb >= TIGHT_DISK_GB:
        return Check(name="disk", found=found)
    verdict = Verdict.FAIL if machine.disk_gb < NO_DISK_GB else Verdict.WARN
    return Check(name="disk", verdict=verdict, found=found, fix="make room, or move the workspace with --home")


def _workspace(machine: "Machine") -> Check:
    if machine.is_writable:
        state = "" if machine.home.is_dir() else " (made when it is needed)"
        return Check(name="workspace", found=f"{machine.home}{state}")
    return Check(
        name="workspace",
        verdict=Verdict.FAIL,
        found=f"{machine.home} cannot be written",
        fix="choose another with --home or PAWL_HOME",
    )


def _kernel_cache(machine: "Machine") -> Check:
    if machine.has_kernel_cache:
        return Check(name="compiled kernels", found="kept between runs")
    return Check(
        name="compiled kernels",
        verdict=Verdict.WARN,
        found="no folder to keep them; each run compiles them again",
        fix="set NUMBA_CACHE_DIR to a folder that can be written",
    )


def _threads(machine: "Machine") -> Check:
    if machine.threads in (None, "1"):
        return Check(name="threads", found="one a model, many models at once")
    return Check(
        name="threads",
        verdict=Verdict.WARN,
        found=f"OMP_NUM_THREADS={machine.threads}",
        fix="unset it: Pawl runs one thread a model and models side by side",
    )


def _settings_checks(settings: "Settings", problems: Sequence[SettingsError]) -> Iterator[Check]:
    for problem in problems:
        yield Check(name="settings", verdict=Verdict.FAIL, found=f"{problem.what} ({problem.where})", fix=problem.fix)
    if not problems:
        has_file = (settings.home / "settings.toml").exists()
        yield Check(name="settings", found="settings.toml" if has_file else "defaults (docs/settings.md)")
    for name, path in settings.learners.items():
        if not path.is_file():
            yield Check(
                name=f"learner {name}",
                verdict=Verdict.FAIL,
                found=f"no file {path}",
                fix=f"mend `learners.{name}` in settings.toml",
            )


def _payload(check: Check) -> dict[str, str]:
    return {"name": check.name, "verdict": str(check.verdict), "found": check.found, "fix": check.fix}


def _text(checks: Sequence[Check]) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", "check", "found", "fix"):
        table.add_column(title)
    for check in checks:
        verdict = Text(check.verdict, style=COLOURS[check.verdict])
        table.add_row(verdict, Text(check.name), Text(check.found), Text(check.fix))
    is_ready = all(check.verdict is not Verdict.FAIL for check in checks)
    return Group(
        Text(_summary(checks)), table, Text("Next: pawl demo" if is_ready else "Next: mend it, then pawl doctor")
    )


def _summary(checks: Sequence[Check]) -> str:
    n_failed = sum(check.verdict is Verdict.FAIL for check in checks)
    n_warned = sum(check.verdict is Verdict.WARN for check in checks)
    if n_failed:
        return f"not ready: {_counted(n_failed, 'check')} failed"
    return "ready" + (f", with {_counted(n_warned, 'warning')}" if n_warned else "")


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
