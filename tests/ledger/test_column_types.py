"""Values come back as they went in, and what no database could keep is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from ledger_world import START, trained
from pawl.errors import InputError
from pawl.ledger.column_types import CanonicalJson, UtcTime, UuidList, canonical_json, utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.training_tables import train_jobs
from postgres import DATABASES, Databases

# Another zone may lie beyond the first and the last instant there is.
FIRST, LAST = (START.replace(tzinfo=None, year=year) for year in (2, 9998))
times = st.datetimes(min_value=FIRST, max_value=LAST)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab ö", max_size=2), inner, max_size=3),
    max_leaves=8,
)
TYPED = sa.Table(
    "typed", sa.MetaData(), sa.Column("at", UtcTime), sa.Column("value", CanonicalJson), sa.Column("ids", UuidList)
)


@pytest.fixture(scope="module")
def sqlite_engine() -> Iterator[sa.Engine]:
    """A database in memory."""
    ledger = Ledger("sqlite://")
    yield ledger.engine
    ledger.close()


@pytest.fixture(scope="module")
def postgresql_engine(postgres: Databases) -> Iterator[sa.Engine]:
    """A database on the server."""
    url = postgres.create()
    ledger = Ledger(url)
    yield ledger.engine
    ledger.close()
    postgres.drop(url)


@pytest.fixture(scope="module", params=DATABASES)
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """One of them, with the table of types."""
    found: sa.Engine = request.getfixturevalue(f"{request.param}_engine")
    TYPED.create(found)
    return found


@given(times, zones, values)
def test_times_and_json_come_back_as_they_went_in(
    engine: sa.Engine, when: datetime, zone: timezone, value: object
) -> None:
    with engine.begin() as tx:
        tx.execute(sa.delete(TYPED))
        tx.execute(sa.insert(TYPED).values(at=when.replace(tzinfo=zone), value=[value], ids=[UUID(int=5)]))
        row = tx.execute(sa.select(TYPED)).one()
    assert row.at == when.replace(tzinfo=zone)
    assert row.at.tzinfo is UTC
    assert (row.value, row.ids) == ([value], [UUID(int=5)])
    assert "-0.0" in canonical_json([value]) or canonical_json(row.value) == canonical_json([value])  # to the byte


@given(times, times, zones)
def test_times_sort_as_text(one: datetime, other: datetime, zone: timezone) -> None:
    first, second = one.replace(tzinfo=zone), other.replace(tzinfo=UTC)
    assert (utc_text(first) < utc_text(second)) is (first < second)


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == canonical_json({"a": {"c": 3, "d": 2}, "b": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}, {1, 2}, START, b"bytes"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot be stored as JSON"):
        canonical_json(value)


def test_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="carries no zone"):
        utc_text(START.replace(tzinfo=None))


@pytest.mark.parametrize("value", [{"text": "a\0b"}, {"a\0b": 1}, ["\\\0"]])
def test_a_text_that_jsonb_cannot_hold_is_refused_on_both(ledger: Ledger, value: object) -> None:
    with ledger.transaction() as tx:
        job = trained(tx, "m002-1.0")
    changed = sa.update(train_jobs).where(train_jobs.c.train_job_id == job)
    with pytest.raises(InputError, match="the character 0"), ledger.transaction() as tx:
        tx.execute(changed.values(hyperparams=value))
    with ledger.transaction() as tx:
        tx.execute(changed.values(hyperparams="\\u0000 is six characters"))
        assert tx.execute(sa.select(train_jobs.c.hyperparams)).scalar_one() == "\\u0000 is six characters"


@pytest.mark.parametrize("value", [2**53 + 1, [{"n": -(2**60)}]])
def test_an_integer_that_jsonb_would_make_a_float_of_is_refused_on_both(ledger: Ledger, value: object) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
    with pytest.raises(InputError, match="beyond 2"), ledger.transaction() as tx:
        tx.execute(sa.update(train_jobs).values(hyperparams=value))
    with ledger.transaction() as tx:
        tx.execute(sa.update(train_jobs).values(hyperparams=[2**53, "1234567890123456789", 1e300, 0.1234567890123456]))


def test_defaults_of_the_database_read_as_utc_times(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        empty = "[]" if tx.dialect.name == "sqlite" else "{}"  # of ids: an array on PostgreSQL
        tx.execute(sa.text("INSERT INTO ml_train_jobs (train_type, model_role, base_model, target_model_version, "
                           "dataset_version_ids, hyperparams, learner) "
                           f"VALUES ('sft', 'policy', 'b', 'v', '{empty}', '{{}}', 'policy')"))  # fmt: skip
        row = tx.execute(sa.select(train_jobs).where(train_jobs.c.train_type == "sft")).one()
    assert abs(row.created_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert (row.status, row.artifacts, row.dataset_version_ids) == ("queued", {}, [])


def test_no_json_at_all_is_null_and_not_the_json_that_is_called_so(ledger: Ledger) -> None:
    values = {"n": 1}, None
    held = sa.table("held", sa.column("number", sa.Integer), sa.column("value", CanonicalJson))
    with ledger.transaction() as tx:
        of_json = CanonicalJson().dialect_impl(tx.dialect).compile(tx.dialect)
        tx.execute(sa.text(f"CREATE TEMPORARY TABLE held (number integer, value {of_json})"))
        for number, value in enumerate(values):
            tx.execute(sa.insert(held).values(number=number, value=value))
        tx.execute(sa.update(held).where(held.c.number == 0).values(value=None))
        found = sa.select(sa.func.count()).select_from(held).where(held.c.value.is_(None))
        assert tx.execute(found).scalar_one() == len(values)
