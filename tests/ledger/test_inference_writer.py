"""Inferences are filed once, chained, durable, and only while the version that made them is the one to ask."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import promoted
from pawl.errors import InputError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.chain_check import check_chains
from pawl.ledger.chain_tables import chain_heads
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.identity import identity
from pawl.ledger.inference_writer import Entry, Filed, InferenceWriter
from pawl.ledger.inferences import Inference
from pawl.ledger.traffic import TrafficMark, traffic_mark

NOW = datetime(2024, 1, 31, 23, 59, tzinfo=UTC)


def entry(number: int, *, routed_by: TrafficMark | None = None, at: datetime = NOW, **changes: object) -> Entry:
    inference_id = identity("inference", number)
    inference = Inference(
        inference_id=inference_id, trace_id=f"p/{inference_id}", model_version=ModelVersion("m002-1.0"), learner="m002",
        prompt_hash="h", prompt_payload={"features": "0.1"}, response_payload={"signal": "long"}, created_at=at,
    )  # fmt: skip
    return Entry(inference=replace(inference, **changes), routed_by=routed_by)


@pytest.fixture
def writer(ledger: Ledger) -> Iterator[InferenceWriter]:
    with InferenceWriter(ledger) as opened:
        yield opened


def by_thread(writer: InferenceWriter, entries: list[Entry]) -> list[Filed]:
    return [future.result(timeout=30) for future in [writer.submit(one) for one in entries]]


def by_either(writer: InferenceWriter, entries: list[Entry]) -> list[Filed]:
    filed = writer.file_now(entries)
    return by_thread(writer, entries) if filed is None else filed


def standing(ledger: Ledger) -> list[str]:
    """The ids that are filed, in the order of their chains, which hold."""
    with ledger.reading() as tx:
        assert not check_chains(tx).breaks
        order = ("chain_month", "chain_number")
        return [str(row.inference_id) for row in tx.execute(sa.select(inference_logs).order_by(*order))]


def ids(*numbers: int) -> list[str]:
    return [str(identity("inference", number)) for number in numbers]


@contextmanager
def locked(ledger: Ledger) -> Iterator[None]:
    """While another writes to the chains."""
    with ledger.transaction() as tx:
        hold = "SELECT 1" if tx.dialect.name == "sqlite" else "LOCK TABLE chain_heads"
        tx.execute(sa.text(hold))
        yield


@pytest.mark.parametrize("way", [by_thread, by_either])
def test_entries_are_filed_in_their_order_and_once(
    writer: InferenceWriter, ledger: Ledger, way: Callable[[InferenceWriter, list[Entry]], list[Filed]]
) -> None:
    assert way(writer, [entry(2), entry(1)]) == [Filed.WRITTEN] * 2
    assert way(writer, [entry(1), entry(3), entry(3)]) == [Filed.STANDING, Filed.WRITTEN, Filed.STANDING]
    assert way(writer, [entry(2)]) == [Filed.STANDING]
    assert standing(ledger) == ids(2, 1, 3)


def test_what_was_filed_at_once_is_seen_by_everybody(sqlite_ledger: Ledger) -> None:
    with InferenceWriter(sqlite_ledger) as writer:
        assert writer.file_now([entry(1)]) == [Filed.WRITTEN]
        assert standing(sqlite_ledger) == ids(1)


def test_two_months_have_two_chains(writer: InferenceWriter, ledger: Ledger) -> None:
    by_either(writer, [entry(1, at=NOW + timedelta(minutes=2)), entry(2), entry(3, at=NOW + timedelta(minutes=3))])
    assert standing(ledger) == ids(2, 1, 3)
    with ledger.reading() as tx:
        heads = {row.chain_month: row.n_rows for row in tx.execute(sa.select(chain_heads))}
    assert heads == {"2024-01": 1, "2024-02": 2}


@pytest.mark.parametrize("way", [by_thread, by_either])
def test_rev_r29_an_answer_of_a_version_that_was_moved_away_is_not_filed(
    writer: InferenceWriter, ledger: Ledger, way: Callable[[InferenceWriter, list[Entry]], list[Filed]]
) -> None:
    """REV-R29: what is filed is of the version that is active when it is filed; one that was named has no such bond."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        before = traffic_mark(tx)
    assert way(writer, [entry(1, routed_by=before)]) == [Filed.WRITTEN]
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.1", on=2)
        after = traffic_mark(tx)
    tried = [entry(2, routed_by=before), entry(3, routed_by=after), entry(4)]
    assert way(writer, tried) == [Filed.OUTDATED, Filed.WRITTEN, Filed.WRITTEN]
    assert standing(ledger) == ids(1, 3, 4)


def test_whoever_cannot_be_filed_spoils_it_for_nobody(writer: InferenceWriter, ledger: Ledger) -> None:
    bad = entry(2, prompt_payload={"features": float("nan")})
    assert writer.file_now([entry(1), bad]) is None
    assert standing(ledger) == []
    with locked(ledger):
        futures: list[Future[Filed]] = [writer.submit(one) for one in (entry(0), entry(1), bad, entry(3))]
    assert [futures[number].result(timeout=30) for number in (0, 1, 3)] == [Filed.WRITTEN] * 3
    with pytest.raises(InputError, match="JSON"):
        futures[2].result(timeout=30)
    assert sorted(standing(ledger)) == sorted(ids(0, 1, 3))


def test_another_writer_is_not_waited_for_at_once(sqlite_ledger: Ledger) -> None:
    with InferenceWriter(sqlite_ledger) as writer:
        assert writer.file_now([entry(1)]) == [Filed.WRITTEN]
        with locked(sqlite_ledger):
            assert writer.file_now([entry(2)]) is None
            waiting = writer.submit(entry(2))
            assert not waiting.done()
        assert waiting.result(timeout=30) is Filed.WRITTEN
        assert writer.file_now([entry(3)]) == [Filed.WRITTEN]
    assert standing(sqlite_ledger) == ids(1, 2, 3)


def test_what_is_remembered_is_looked_up_again_once_another_has_written(sqlite_ledger: Ledger) -> None:
    """The end of the chain, and the mark: both are those of the last commit, whosever it was."""
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        before = traffic_mark(tx)
    with InferenceWriter(sqlite_ledger) as writer:
        assert writer.file_now([entry(1, routed_by=before)]) == [Filed.WRITTEN]
        assert by_thread(writer, [entry(2)]) == [Filed.WRITTEN]
        assert writer.file_now([entry(3, routed_by=before), entry(4)]) == [Filed.WRITTEN] * 2
        assert writer.file_now([entry(5)]) == [Filed.WRITTEN]
        with sqlite_ledger.transaction() as tx:
            promoted(tx, "m002-1.1", on=2)
            after = traffic_mark(tx)
        assert writer.file_now([entry(6, routed_by=before)]) == [Filed.OUTDATED]
        assert writer.file_now([entry(7, routed_by=after)]) == [Filed.WRITTEN]
    assert standing(sqlite_ledger) == ids(1, 2, 3, 4, 5, 7)


class FullDisk:
    """A driver whose next commit fails."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.driver, self.is_full = driver, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def execute(self, text: str) -> sqlite3.Cursor:
        if text == "COMMIT" and self.is_full:
            self.is_full = False
            raise sqlite3.OperationalError("database or disk is full")
        return self.driver.execute(text)


def test_a_commit_that_fails_leaves_no_gap_in_the_chain(sqlite_ledger: Ledger) -> None:
    with InferenceWriter(sqlite_ledger) as writer:
        assert writer.file_now([entry(1)]) == [Filed.WRITTEN]
        at_once = writer._at_once
        assert at_once is not None and at_once._kept is not None
        tx, driver = at_once._kept
        at_once._kept = tx, FullDisk(driver)  # type: ignore[assignment]
        assert writer.file_now([entry(2)]) is None
        assert writer.file_now([entry(3)]) == [Filed.WRITTEN]
    assert standing(sqlite_ledger) == ids(1, 3)


def test_what_was_rolled_back_is_not_remembered(sqlite_ledger: Ledger) -> None:
    with InferenceWriter(sqlite_ledger) as writer:
        assert writer.file_now([entry(1)]) == [Filed.WRITTEN]
        assert writer.file_now([entry(2), entry(1)]) == [Filed.WRITTEN, Filed.STANDING]
        assert writer.file_now([entry(3), entry(4, latency_ms=-1)]) is None
        assert writer.file_now([entry(3), entry(3)]) == [Filed.WRITTEN, Filed.STANDING]
    assert standing(sqlite_ledger) == ids(1, 2, 3)


def test_on_postgresql_nothing_is_filed_in_the_callers_thread(postgresql_ledger: Ledger) -> None:
    with InferenceWriter(postgresql_ledger) as writer:
        assert writer.file_now([entry(1)]) is None


def test_both_ways_and_two_writers_beside_each_other_make_one_chain(ledger: Ledger) -> None:
    def submit(writer: InferenceWriter, first: int) -> None:
        assert by_thread(writer, [entry(first + number) for number in range(25)]) == [Filed.WRITTEN] * 25

    with InferenceWriter(ledger) as one, InferenceWriter(ledger) as two:
        threads = [threading.Thread(target=submit, args=(who, first)) for who, first in ((one, 100), (two, 200))]
        for thread in threads:
            thread.start()
        for number in range(25):
            assert by_either(one, [entry(300 + number)]) == [Filed.WRITTEN]
        for thread in threads:
            thread.join()
    assert len(standing(ledger)) == 75


def test_whoever_gives_up_while_it_waits_gets_nothing_filed(writer: InferenceWriter, ledger: Ledger) -> None:
    with locked(ledger):
        writer.submit(entry(0))
        given_up = writer.submit(entry(1))
        while not given_up.cancel():
            pass
    with pytest.raises(CancelledError):
        given_up.result()
    writer.close()
    assert set(standing(ledger)) <= set(ids(0))


def test_what_waits_when_it_is_closed_is_filed_first(ledger: Ledger) -> None:
    with closing(InferenceWriter(ledger)) as writer:
        futures = [writer.submit(entry(number)) for number in range(30)]
    assert [future.result(timeout=0) for future in futures] == [Filed.WRITTEN] * 30
    with pytest.raises(RefusalError, match="closed"):
        writer.submit(entry(99))
    writer.close()
    assert len(standing(ledger)) == 30
