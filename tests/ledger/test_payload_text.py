"""The quick text of a payload is the canonical one, to the character, whatever stands in it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pawl.errors import InputError
from pawl.ledger.chain import canonical_text
from pawl.ledger.event_payloads import EVENT_PAYLOADS, EventPayload
from pawl.ledger.payload_text import LEAST, MOST, fields_text, payload_text

EDGES = [
    0.0,
    -0.0,
    5e-324,
    1e-5,
    9.999999999999999e-05,
    1e-4,
    0.00012,
    0.1 + 0.2,
    1e15,
    9999999999999998.0,
    1e16,
    1.5e300,
]
FIGURES = st.sampled_from([sign * one for one in EDGES for sign in (1, -1)]) | st.floats(
    allow_nan=False, allow_infinity=False
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))])
YEARS = [datetime.fromisoformat(day) for day in ("1971-01-01", "2100-01-01")]
TIMES = st.datetimes(*YEARS, timezones=ZONES)


def payloads(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Payloads with anything in their fields, whether they allow it or not: a copy with changes is not checked."""
    return st.fixed_dictionaries({name: values_of(field.annotation) for name, field in kind.model_fields.items()}).map(
        lambda values: kind.model_construct(**values)
    )


def values_of(said: Any) -> st.SearchStrategy[Any]:
    inner = [one for one in getattr(said, "__args__", ()) if one is not type(None)]
    if isinstance(said, type) and issubclass(said, BaseModel):
        return payloads(said)
    if said is datetime or datetime in inner:
        return TIMES
    if said is int:
        return st.integers(-(2**70), 2**70)
    if said is str or str in inner:
        return st.text(st.characters(exclude_categories=["Cs"]))
    if any(isinstance(one, type) and issubclass(one, BaseModel) for one in inner):
        return st.none() | payloads(inner[0])
    if "tuple" in str(said):
        return st.lists(FIGURES, max_size=3).map(tuple)
    if bool in inner:
        return st.none() | st.booleans()
    return st.sampled_from(inner) if "Literal" in str(said) else st.none() | FIGURES


@pytest.mark.parametrize("kind", EVENT_PAYLOADS.values(), ids=EVENT_PAYLOADS)
def test_it_is_what_a_dump_and_the_encoder_make(kind: type[EventPayload]) -> None:
    @given(payloads(kind))
    def same(payload: EventPayload) -> None:
        assert payload_text(payload) == canonical_text(payload.model_dump(mode="json", warnings=False))

    same()


@given(st.dictionaries(st.text(max_size=5), st.none() | FIGURES | st.lists(FIGURES, max_size=3).map(tuple)))
def test_fields_are_what_the_encoder_makes_of_them(fields: dict[str, Any]) -> None:
    assert fields_text(fields) == canonical_text(fields)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_what_json_does_not_know_is_refused_and_not_written_as_null(odd: float) -> None:
    with pytest.raises(InputError):
        fields_text({"stop": odd})
    with pytest.raises(InputError):
        fields_text({"levels": (1.0, odd)})
    closed = EVENT_PAYLOADS["trade.closed"].model_construct(pnl=odd)
    with pytest.raises(InputError):
        payload_text(closed)


def test_the_usual_is_what_both_write_alike() -> None:
    # Python alone writes an exponent at both ends, so that the range is as wide as it may be.
    assert [repr(one) for one in (LEAST, 9e-05, MOST, 9e15)] == ["0.0001", "9e-05", "1e+16", "9000000000000000.0"]
