"""Who a user is: kept in one table, in a transaction of its own, before anything else of a request is written."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.ledger.conflict_insert import conflict_insert
from pawl.ledger.personal_tables import personal_data

__all__ = ["IdentityTakenError", "keep_personal_data"]


class IdentityTakenError(RefusalError):
    """A wallet or e-mail address that belongs to another user. It does not say which."""

    code = "identity_taken"


def keep_personal_data(
    tx: sa.Connection, user_id: UUID, now: datetime, *, wallet: str | None = None, email: str | None = None
) -> None:
    """Remember a user's wallet and e-mail address; None leaves what is known as it is.

    IdentityTakenError for one of another user. An address of the hexadecimal kind and an e-mail address are the same in
    either case.
    """
    given = {"wallet": _folded_wallet(wallet), "email": None if email is None else email.strip().lower()}
    news = {name: value for name, value in given.items() if value is not None}
    if not news:
        return
    c = personal_data.c
    standing = tx.execute(sa.select(c.wallet, c.email).where(c.user_id == user_id)).mappings().one_or_none()
    if standing is not None and all(standing[name] == value for name, value in news.items()):
        return
    row = conflict_insert(tx, personal_data).values(user_id=user_id, created_at=now, updated_at=now, **news)
    try:
        tx.execute(row.on_conflict_do_update(index_elements=[c.user_id], set_={**news, "updated_at": now}))
    except sa.exc.IntegrityError:
        # Not from it: what the driver says of a broken rule names the wallet.
        raise IdentityTakenError(
            f"another user has this {' or '.join(news)}", where="body", fix="send your own, or none"
        ) from None


def _folded_wallet(wallet: str | None) -> str | None:
    if wallet is None:
        return None
    stripped = wallet.strip()
    return stripped.lower() if stripped[:2] in ("0x", "0X") else stripped
