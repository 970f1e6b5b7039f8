"""What kept failing: parked with its last error, until a person lets it be tried again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError, RefusalError
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.identity import identity
from pawl.ledger.service_tables import dead_letters

__all__ = ["Letter", "get_letter", "letters_of", "list_letters", "mark_retried", "park"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """worker: who failed. item_id: on what. attempts: how often it was tried before it was parked."""

    letter_id: UUID
    worker: str
    item_id: str
    error: str
    attempts: int
    status: str
    created_at: datetime
    updated_at: datetime


def park(tx: sa.Connection, worker: str, item_id: str, error: str, attempts: int, now: datetime) -> None:
    """Park an item with its last error; one that was parked and retried before is parked again under its id."""
    row = {
        "letter_id": identity("letter", worker, item_id),
        "worker": worker,
        "item_id": item_id,
        "error": error,
        "attempts": attempts,
        "status": "parked",
        "created_at": now,
        "updated_at": now,
    }
    again = {name: row[name] for name in ("error", "attempts", "status", "updated_at")}
    new = conflict_insert(tx, dead_letters).values(row)
    tx.execute(new.on_conflict_do_update(index_elements=["letter_id"], set_=again))


def list_letters(tx: sa.Connection, status: str | None = None) -> list[Letter]:
    """Every letter, or those of one status (parked, retried); oldest first."""
    c = dead_letters.c
    chosen = sa.select(dead_letters).order_by(c.created_at, c.letter_id)
    if status is not None:
        chosen = chosen.where(c.status == status)
    return [Letter(**row._mapping) for row in tx.execute(chosen)]


def letters_of(tx: sa.Connection, worker: str) -> dict[str, Letter]:
    """Item → letter, of one worker."""
    return {letter.item_id: letter for letter in list_letters(tx) if letter.worker == worker}


def get_letter(tx: sa.Connection, letter_id: UUID) -> Letter:
    """A letter by its id; NotFoundError when there is none."""
    row = tx.execute(sa.select(dead_letters).where(dead_letters.c.letter_id == letter_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"no dead letter {letter_id}", where="dead_letters", fix="list them: pawl dead-letters ls")
    return Letter(**row._mapping)


def mark_retried(tx: sa.Connection, letter_id: UUID, now: datetime) -> Letter:
    """parked → retried, by compare-and-set; RefusalError for a letter that is not parked."""
    c = dead_letters.c
    moved = (
        sa.update(dead_letters)
        .where(c.letter_id == letter_id, c.status == "parked")
        .values(status="retried", updated_at=now)
    )
    is_moved = tx.execute(moved).rowcount == 1
    letter = get_letter(tx, letter_id)
    if not is_moved:
        raise RefusalError(
            f"dead letter {letter_id} was retried at {letter.updated_at:%Y-%m-%d %H:%M}",
            where="dead_letters",
            fix="it is parked again if it fails again: pawl dead-letters ls",
        )
    return letter
