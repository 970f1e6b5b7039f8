"""A row hangs on the one before it in its month, and its hash is the same on both databases."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_world import USER, day
from pawl.errors import RefusalError
from pawl.ledger.chain import (
    CHAINS,
    Head,
    append_chained,
    canonical_text,
    genesis,
    lock_head,
    month_of,
    row_digest,
    seal,
)
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences
from recorded_decision import INFERENCE

AT = day(1)
OUTBOX = CHAINS["passport_event_outbox"]


def event(number: int, at: datetime = AT, payload: object = None) -> dict[str, object]:
    return {
        "event_id": identity("event", number), "user_id": USER, "trace_id": "t", "inference_id": None,
        "source_table": "quick_trades", "source_event_id": identity("trade", number), "event_type": "told",
        "payload": {"n": number} if payload is None else payload, "occurred_at": at, "recorded_at": at,
    }  # fmt: skip


def stored(ledger: Ledger) -> list[sa.RowMapping]:
    with ledger.reading() as tx:
        order = (event_outbox.c.chain_month, event_outbox.c.chain_number)
        return list(tx.execute(sa.select(event_outbox).order_by(*order)).mappings())


def test_the_hash_is_the_one_that_anybody_can_recompute() -> None:
    row = event(1, payload={"b": [1, 2.5], "a": "Ω"})
    content = {
        "event_id": str(row["event_id"]), "event_type": "told", "inference_id": None,
        "occurred_at": "2024-01-02T00:00:00.000000Z", "payload": {"a": "Ω", "b": [1, 2.5]},
        "recorded_at": "2024-01-02T00:00:00.000000Z", "source_event_id": str(row["source_event_id"]),
        "source_table": "quick_trades", "trace_id": "t", "user_id": str(USER),
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert row_digest(OUTBOX, row) == digest
    assert seal("p" * 64, digest) == hashlib.sha256(("p" * 64 + digest).encode()).hexdigest()


def positive_zero(value: object) -> object:
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, list):
        return [positive_zero(one) for one in value]
    return {key: positive_zero(one) for key, one in value.items()} if isinstance(value, dict) else value


def test_every_month_has_a_chain_of_its_own(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_chained(tx, event_outbox, [event(3, day(40)), event(1), event(2)])
        append_chained(tx, event_outbox, [event(4, day(41)), event(5, day(2))])
    rows = stored(ledger)
    places = [(row["chain_month"], row["chain_number"], row["payload"]["n"]) for row in rows]
    assert places == [("2024-01", 1, 1), ("2024-01", 2, 2), ("2024-01", 3, 5), ("2024-02", 1, 3), ("2024-02", 2, 4)]
    assert rows[0]["prev_hash"] == genesis("passport_event_outbox", "2024-01")
    assert rows[3]["prev_hash"] == genesis("passport_event_outbox", "2024-02")
    with ledger.transaction() as tx:
        assert lock_head(tx, "passport_event_outbox", "2024-01") == Head(3, rows[2]["row_hash"])
        assert lock_head(tx, "passport_event_outbox", "2031-01") == Head(0, genesis("passport_event_outbox", "2031-01"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\\\"Ω'", max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
TIMES = st.builds(
    lambda seconds, zone: (day(0) + seconds).astimezone(zone),
    st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)),
    ZONES,
)


@given(
    payloads=st.lists(st.dictionaries(st.text("abc", max_size=2), JSON, max_size=3), min_size=1, max_size=4), at=TIMES
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_read_back_gives_the_hash_it_was_sealed_with(
    ledger: Ledger, payloads: list[dict[str, object]], at: datetime
) -> None:
    rows = [event(number, at, payload) for number, payload in enumerate(payloads)]
    with pytest.raises(RefusalError, match="taken back"), ledger.transaction() as tx:
        append_chained(tx, event_outbox, rows)
        found = check_chains(tx)
        raise RefusalError("taken back", where="test", fix="nothing")
    assert found.rows == len(rows)
    assert [one for one in found.breaks if one.table == "passport_event_outbox"] == []


@given(
    payload=st.dictionaries(st.text("ab\\\"Ω'", max_size=3), JSON, max_size=3),
    trace=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    at=TIMES,
)
def test_the_hash_of_any_event_is_that_of_its_canonical_json(payload: object, trace: str, at: datetime) -> None:
    row = {**event(1, at, payload), "trace_id": trace}
    text = f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    content = {
        **{name: str(row[name]) for name in ("event_id", "user_id", "source_event_id")}, "trace_id": trace,
        "inference_id": None, "source_table": "quick_trades", "event_type": "told", "payload": positive_zero(payload),
        "occurred_at": text, "recorded_at": text,
    }  # fmt: skip
    wanted = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    assert row_digest(OUTBOX, row) == digest
    assert row_digest(OUTBOX, {**row, "payload": canonical_text(payload)}) == digest


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_no_two_rows_follow_the_same_one(ledger: Ledger, number: int) -> None:
    with ledger.transaction() as tx:
        append_chained(tx, event_outbox, [event(1)])
    (row,) = stored(ledger)
    fork = {**event(2), "chain_month": "2024-01", "chain_number": number, "prev_hash": row["prev_hash"]}
    with pytest.raises(RefusalError, match=r"(?i)unique|follows the one before"), ledger.transaction() as tx:
        tx.execute(sa.insert(event_outbox).values(**fork, row_hash="x"))
    assert len(stored(ledger)) == 1
    with ledger.transaction() as tx:  # the same row, where it belongs
        placed = fork | {"chain_number": 2, "prev_hash": row["row_hash"]}
        tx.execute(sa.insert(event_outbox).values(**placed, row_hash="x"))


def test_writers_at_once_stand_in_one_order(ledger: Ledger) -> None:
    def write(number: int) -> None:
        for n in range(5):
            with ledger.transaction() as tx:
                append_chained(tx, event_outbox, [event(100 * number + n)])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    rows = stored(ledger)
    assert [row["chain_number"] for row in rows] == list(range(1, 31))
    assert [row["prev_hash"] for row in rows[1:]] == [row["row_hash"] for row in rows[:-1]]


def test_what_was_rolled_back_leaves_the_head_where_it_was(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_chained(tx, event_outbox, [event(1)])
    with pytest.raises(RefusalError, match="back"), ledger.transaction() as tx:
        append_chained(tx, event_outbox, [event(2)])
        raise RefusalError("back", where="test", fix="nothing")
    with ledger.transaction() as tx:
        append_chained(tx, event_outbox, [event(3)])
    assert [row["chain_number"] for row in stored(ledger)] == [1, 2]


def test_pass_r11_retried_inferences_leave_their_chain_whole(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE, replace(INFERENCE, inference_id=identity("inference", 2))])
        append_inferences(tx, [INFERENCE])
        report = check_chains(tx)
    assert (report.rows, report.breaks) == (2, ())


def test_a_month_is_that_of_utc() -> None:
    assert month_of(datetime(2024, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))) == "2024-02"
    assert month_of(datetime(2024, 3, 1, tzinfo=UTC)) == "2024-03"
