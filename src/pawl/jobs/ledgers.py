"""Which ledger a question is put to: the workspace's own, or that of one of its replays.

The workspace's own is SQLite in its folder, or the database that the environment names. Replays always keep theirs in
their folders: a replay is a file that can be given away.
"""

from pathlib import Path

import sqlalchemy as sa

from pawl.errors import NotFoundError, SettingsError
from pawl.jobs.ledger_place import URL_VARIABLE, LedgerPlace
from pawl.ledger.database import LEDGER_FILE, Ledger

__all__ = ["has_ledger", "ledger_of", "open_ledger", "replay_ledgers"]

POSTGRESQL = ("postgres", "postgresql")


def ledger_of(place: LedgerPlace) -> Ledger:
    """The ledger of the workspace, made or brought to this code's schema as needed.

    SettingsError for a URL that names no database; it is never shown.
    """
    if place.ledger_url is None:
        return Ledger.open(place.home)
    ledger = Ledger(_parsed(place.ledger_url.get_secret_value()))
    ledger.make_current()
    return ledger


def has_ledger(place: LedgerPlace) -> bool:
    """Whether anything was recorded yet; a database that is named counts, whatever it holds."""
    return place.ledger_url is not None or (place.home / LEDGER_FILE).exists()


def open_ledger(place: LedgerPlace, replay: str | None) -> Ledger:
    """The ledger of the workspace, or of the replay whose folder below `replays/` has this name.

    NotFoundError, with the names there are, when nothing was recorded there yet.
    """
    if replay is not None:
        return replay_ledgers(place.home, replay)[replay]
    if not has_ledger(place):
        raise _nothing(place.home, "no version was ever trained here")
    return ledger_of(place)


def replay_ledgers(home: Path, replay: str | None = None) -> dict[str, Ledger]:
    """Name → ledger of every replay of a workspace, or of the one named (NotFoundError where there is no such)."""
    folders = _replays(home)
    if replay is not None and replay not in folders:
        raise _nothing(home, f"no replay `{replay}`")
    return {name: Ledger.open(folder) for name, folder in folders.items() if replay in (None, name)}


def _parsed(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise _bad_url("it cannot be read as a URL") from None  # whose text holds the password
    if "password" in url.query:  # which would be shown where the one before the host is starred out
        raise _bad_url("it holds the password behind the question mark")
    return url.set(drivername="postgresql+psycopg") if url.drivername in POSTGRESQL else url


def _bad_url(what: str) -> SettingsError:
    return SettingsError(
        f"the database of the ledger: {what}",
        where=URL_VARIABLE,
        fix="write it like postgresql://USER:PASSWORD@HOST:5432/DATABASE",
    )


def _replays(home: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted((home / "replays").glob(f"*/{LEDGER_FILE}"))}


def _nothing(home: Path, what: str) -> NotFoundError:
    known = ", ".join(_replays(home)) or "none so far"
    return NotFoundError(
        what, where=str(home), fix=f"train one: pawl train LEARNER; or ask a replay by --replay NAME, of {known}"
    )
