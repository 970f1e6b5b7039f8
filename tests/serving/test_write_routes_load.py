"""Many requests at once under few idempotency keys: one row a key, and one answer a key."""

import asyncio
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.trade_tables import quick_trades
from raw_http import Answer, Connection
from served import Served, served
from serving_world import OPEN

N_CONNECTIONS = 64
PATH = "/api/quick-trades/open"


def _n(ledger: Ledger, table: sa.Table) -> int:
    with ledger.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


async def _ask_all(url: str, keys: list[int]) -> dict[int, list[Answer]]:
    waiting, answers = iter(keys), defaultdict(list)

    async def ask() -> None:
        connection = await Connection.to(url, "pawl_ann")
        for key in waiting:
            answers[key].append(await connection.post(PATH, {**OPEN, "size": 100.0 + key}, f"k{key}"))
        await connection.close()

    await asyncio.gather(*(ask() for _ in range(N_CONNECTIONS)))
    return answers


def _require_one_row_a_key(server: Served, n_requests: int, n_keys: int, rng: np.random.Generator) -> None:
    keys = [int(key) for key in rng.permutation(np.arange(n_requests) % n_keys)]
    answers = asyncio.run(_ask_all(server.url, keys))
    assert len(answers) == n_keys
    for key, given in answers.items():
        assert sorted(one.status for one in given) == [*[200] * (len(given) - 1), 201], key
        assert all(one.body == given[0].body for one in given)
        assert all(("idempotent-replay" in one.headers) == (one.status == 200) for one in given)
    assert _n(server.ledger, quick_trades) == _n(server.ledger, event_outbox) == n_keys
    with server.ledger.reading() as tx:
        sizes = tx.execute(sa.select(quick_trades.c.size)).scalars().all()
    assert sorted(sizes) == [100.0 + key for key in range(n_keys)]
    log = [json.loads(line) for line in server.stderr.read_text().splitlines() if line.startswith("{")]
    assert len(log) == n_requests


def test_a_thousand_requests_under_a_hundred_keys_are_a_hundred_rows(
    ledger: Ledger, tmp_path: Path, rng: np.random.Generator
) -> None:
    with served(tmp_path / "home", ledger) as server:
        _require_one_row_a_key(server, 1_000, 100, rng)


@pytest.mark.soak
def test_ten_thousand_requests_under_a_thousand_keys_are_a_thousand_rows(
    ledger: Ledger, tmp_path: Path, rng: np.random.Generator
) -> None:
    with served(tmp_path / "home", ledger) as server:
        _require_one_row_a_key(server, 10_000, 1_000, rng)
