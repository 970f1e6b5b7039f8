"""Which ledger a question is put to: the workspace's own, or that of one of its replays."""

from pathlib import Path

from pawl.errors import NotFoundError
from pawl.ledger.database import LEDGER_FILE, Ledger

__all__ = ["open_ledger"]


def open_ledger(home: Path, replay: str | None) -> Ledger:
    """The ledger of the workspace, or of the replay whose folder below `replays/` has this name.

    NotFoundError, with the names there are, when nothing was recorded there yet.
    """
    replays = {path.parent.name: path.parent for path in (home / "replays").glob(f"*/{LEDGER_FILE}")}
    folder = home if replay is None else replays.get(replay)
    if folder is None or not (folder / LEDGER_FILE).exists():
        raise NotFoundError(
            "no version was ever trained here" if replay is None else f"no replay `{replay}`",
            where=str(home),
            fix="train one: pawl train m002; or ask a replay by --replay NAME, of "
            f"{', '.join(sorted(replays)) or 'none so far'}",
        )
    return Ledger.open(folder)
