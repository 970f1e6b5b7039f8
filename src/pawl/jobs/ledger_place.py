"""Where a workspace keeps its ledger: SQLite in its folder, or the database that the environment names."""

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

__all__ = ["URL_VARIABLE", "LedgerPlace"]

URL_VARIABLE = "PAWL_DATABASE_URL"
"""The environment variable that names the database. It holds a password, so it stands in no file.

>>> URL_VARIABLE
'PAWL_DATABASE_URL'
"""


class LedgerPlace(Protocol):
    """Where the ledger lies; the settings are one. ledger_url: None for SQLite in `home`."""

    @property
    def home(self) -> Path:
        """The workspace."""
        ...

    @property
    def ledger_url(self) -> SecretStr | None:
        """The database, with its password."""
        ...
