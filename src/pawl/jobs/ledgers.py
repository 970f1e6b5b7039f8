"""Which ledger a question is put to: the workspace's own, or that of one of its replays."""

from pathlib import Path

from pawl.errors import NotFoundError
from pawl.ledger.database import LEDGER_FILE, Ledger

__all__ = ["open_ledger", "replay_ledgers"]


def open_ledger(home: Path, replay: str | None) -> Ledger:
    """The ledger of the workspace, or of the replay whose folder below `replays/` has this name.

    NotFoundError, with the names there are, when nothing was recorded there yet.
    """
    if replay is not None:
        return replay_ledgers(home, replay)[replay]
    if not (home / LEDGER_FILE).exists():
        raise _nothing(home, "no version was ever trained here")
    return Ledger.open(home)


def replay_ledgers(home: Path, replay: str | None = None) -> dict[str, Ledger]:
    """Name → ledger of every replay of a workspace, or of the one named (NotFoundError where there is no such)."""
    folders = _replays(home)
    if replay is not None and replay not in folders:
        raise _nothing(home, f"no replay `{replay}`")
    return {name: Ledger.open(folder) for name, folder in folders.items() if replay in (None, name)}


def _replays(home: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted((home / "replays").glob(f"*/{LEDGER_FILE}"))}


def _nothing(home: Path, what: str) -> NotFoundError:
    known = ", ".join(_replays(home)) or "none so far"
    return NotFoundError(
        what, where=str(home), fix=f"train one: pawl train m002; or ask a replay by --replay NAME, of {known}"
    )
