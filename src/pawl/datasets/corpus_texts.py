"""Texts from outside that may stand in a corpus: each with where it came from and the licence that was checked."""

import hashlib
from datetime import datetime
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.datasets.layers import DOCUMENT_SCHEMA
from pawl.errors import InputError, RefusalError
from pawl.ledger.identity import identity
from pawl.ledger.redaction import redact_text
from pawl.ledger.service_tables import corpus_documents

__all__ = ["add_text", "documents_before"]

NO_LICENCES = ("", "none", "unknown", "?", "-")


def add_text(tx: sa.Connection, content: str, source: str, licence: str, now: datetime) -> UUID:
    """Keep a text, redacted; one that stands already stays as it is. Its id.

    RefusalError without a licence or a source; InputError for a text of nothing.
    """
    if licence.strip().lower() in NO_LICENCES or not source.strip():
        raise RefusalError(
            f"a text from `{source.strip()}` under the licence `{licence.strip()}`",
            where="corpus",
            fix="check under which licence it may be used, and give --source and --licence",
        )
    clean = redact_text(content.replace("\r\n", "\n")).strip()
    if not clean or "\0" in clean:
        raise InputError("the text is empty, or holds the character 0", where=source, fix="hand in a text of words")
    hashed = hashlib.sha256(clean.encode()).hexdigest()
    c = corpus_documents.c
    standing: UUID | None = tx.execute(sa.select(c.document_id).where(c.content_hash == hashed)).scalar_one_or_none()
    if standing is not None:
        return standing
    name = identity("document", hashed)
    tx.execute(
        sa.insert(corpus_documents).values(
            document_id=name,
            source=redact_text(source.strip()),
            licence=licence.strip(),
            licence_checked_at=now,
            content=clean,
            content_hash=hashed,
            created_at=now,
        )
    )
    return name


def documents_before(tx: sa.Connection, cut_at: datetime) -> pl.DataFrame:
    """The texts that were added before an instant, in the order of their hashes: DOCUMENT_SCHEMA."""
    c = corpus_documents.c
    found = sa.select(c.content, c.source, c.licence).where(c.created_at < cut_at).order_by(c.content_hash)
    return pl.DataFrame([tuple(row) for row in tx.execute(found)], schema=DOCUMENT_SCHEMA, orient="row")
