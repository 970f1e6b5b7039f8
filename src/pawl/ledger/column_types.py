"""Column types that mean the same on SQLite and PostgreSQL: UTC times, canonical JSON, lists of ids; two defaults."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # in no stub
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from pawl.errors import InputError

__all__ = [
    "CanonicalJson",
    "JsonText",
    "UtcTime",
    "UuidList",
    "canonical_json",
    "new_uuid",
    "read_json",
    "require_storable",
    "utc_now",
    "utc_text",
]

POSTGRESQL = "postgresql"

# The escape of the character 0, and not an escaped backslash before `u0000`.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

# json.dumps with these options would make an encoder for every value, and each of its calls a second one.
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
ITS_OPTIONS = (None, ENCODER.default, encode_basestring, None, ":", ",", True, False, False)  # it knows no names
ENCODE: Callable[[object, int], tuple[str, ...]] = c_make_encoder(*ITS_OPTIONS)
DIGITS = bytes.maketrans(b"123456789", b"000000000")
LONG = b"0" * 16  # sixteen digits, once all of them are written as 0: a search in C, on every text that is stored
GREATEST_INTEGER = 2**53
ZONE_LENGTH = len("+00:00")


class JsonText(str):
    """A JSON value as its canonical text, made once: a column of `CanonicalJson` takes it as it is."""

    __slots__ = ()


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, shortest digits that read back as the same float.

    InputError for NaN, the infinities and what JSON does not know.

    >>> canonical_json({"b": 0.1, "a": [1, None]})
    '{"a":[1,null],"b":0.1}'
    """
    try:
        return "".join(ENCODE(value, 0))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"this cannot be stored as JSON: {error}",
            where="ledger",
            fix="hand in finite numbers, text, lists and maps",
        ) from error


def read_json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever was stored
    """The value of a JSON text that PostgreSQL gives back.

    jsonb writes 4e16 as 40000000000000000; no float below 2^53 loses its point, and no integer beyond was ever stored.

    >>> read_json('[4, 4.0, 40000000000000000]')
    [4, 4.0, 4e+16]
    """
    return json.loads(text, parse_int=_read_integer)


def _read_integer(digits: str) -> int | float:
    number = int(digits)
    return number if abs(number) <= GREATEST_INTEGER else float(digits)


def require_storable(text: str) -> None:
    """InputError for a JSON text that one of the databases would not take, or would give back as another."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise InputError("a text holds half a character", where="ledger", fix="take it out") from error
    if "\\u0000" in text and NUL.search(text):
        raise InputError("a text holds the character 0, which jsonb cannot", where="ledger", fix="take it out")
    if LONG in data.translate(DIGITS):
        json.loads(text, parse_int=_require_exact)


def _require_exact(digits: str) -> int:
    if abs(int(digits)) > GREATEST_INTEGER:
        raise InputError(f"the integer {digits} is beyond 2^53", where="ledger", fix="store it as text")
    return int(digits)


@lru_cache(maxsize=4096)  # a bar closes at one instant for every ticker and policy
def utc_text(when: datetime) -> str:
    """An instant as the ledger writes it: UTC, always 27 characters, so that text sorts as time does.

    >>> utc_text(datetime(2024, 1, 31, tzinfo=UTC))
    '2024-01-31T00:00:00.000000Z'
    """
    if when.tzinfo is None:
        raise InputError(f"the time {when} carries no zone", where="ledger", fix="hand in times in UTC")
    in_utc = when if when.tzinfo is UTC else when.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[:-ZONE_LENGTH] + "Z"


class UtcTime(TypeDecorator[datetime]):
    """`timestamptz` on PostgreSQL; on SQLite, which knows no times, the text of `utc_text`."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type below."""
        timed: TypeEngine[Any] = sa.DateTime(timezone=True) if dialect.name == POSTGRESQL else sa.String(27)
        return dialect.type_descriptor(timed)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """InputError for a time without a zone."""
        if value is None:
            return None
        text = utc_text(value)
        return value.astimezone(UTC) if dialect.name == POSTGRESQL else text

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - the driver's
        """The instant, in UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class CanonicalJson(TypeDecorator[Any]):
    """`jsonb` on PostgreSQL; canonical text on SQLite.

    Refused on both: NaN, the infinities, integers beyond 2^53, the character 0. On jsonb -0.0 reads as 0.0.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type below."""
        stored: TypeEngine[Any] = postgresql.JSONB(none_as_null=True) if dialect.name == POSTGRESQL else sa.Text()
        return dialect.type_descriptor(stored)

    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        """None is SQL's NULL. What comes as `JsonText` was checked when that was made."""
        if value is None:
            return None
        if isinstance(value, JsonText):
            return read_json(value) if dialect.name == POSTGRESQL else str(value)
        text = canonical_json(value)
        require_storable(text)
        return value if dialect.name == POSTGRESQL else text

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:  # noqa: ANN401 - whatever was stored
        """The value."""
        return json.loads(value) if isinstance(value, str) and dialect.name != POSTGRESQL else value


class UuidList(TypeDecorator[list[UUID]]):
    """`uuid[]` on PostgreSQL; a JSON list of their text on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type below."""
        stored: TypeEngine[Any] = postgresql.ARRAY(sa.Uuid()) if dialect.name == POSTGRESQL else sa.Text()
        return dialect.type_descriptor(stored)

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> object:
        """A list of ids."""
        if value is None or dialect.name == POSTGRESQL:
            return value
        return canonical_json([str(one) for one in value])

    def process_result_value(self, value: Any | None, dialect: Dialect) -> list[UUID] | None:  # noqa: ANN401 - the driver's
        """The ids."""
        return [UUID(one) for one in json.loads(value)] if isinstance(value, str) else value


class utc_now(GenericFunction[datetime]):  # noqa: N801 - a SQL function
    """`now()` as a column's default, in the form of UtcTime."""

    type = UtcTime()
    inherit_cache = True


class new_uuid(GenericFunction[UUID]):  # noqa: N801 - a SQL function
    """`gen_random_uuid()` as a column's default. Pawl's own rows carry ids that follow from what they are."""

    type = sa.Uuid()
    inherit_cache = True


@compiles(utc_now)
def _now(element: utc_now, compiler: SQLCompiler, **options: object) -> str:
    return "now()"


@compiles(utc_now, "sqlite")
def _now_sqlite(element: utc_now, compiler: SQLCompiler, **options: object) -> str:
    return "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')"


@compiles(new_uuid)
def _uuid(element: new_uuid, compiler: SQLCompiler, **options: object) -> str:
    return "gen_random_uuid()"


@compiles(new_uuid, "sqlite")
def _uuid_sqlite(element: new_uuid, compiler: SQLCompiler, **options: object) -> str:
    # Version 4, variant 1, as sqlalchemy.Uuid keeps them on SQLite: 32 hexadecimal digits.
    return (
        "(lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || "
        "substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || hex(randomblob(6))))"
    )
