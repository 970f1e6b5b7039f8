"""The ledgers of these tests, on both databases."""

from ledger_fixtures import (
    empty_twin,
    empty_url,
    fresh_database,
    fresh_ledger,
    ledger,
    postgres,
    postgresql_ledger,
    sqlite_ledger,
)

__all__ = [
    "empty_twin",
    "empty_url",
    "fresh_database",
    "fresh_ledger",
    "ledger",
    "postgres",
    "postgresql_ledger",
    "sqlite_ledger",
]
