"""JSON bytes: exact, and repeatable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import CorruptArtifactError
from pawl.models.exact_json import from_exact_json, to_exact_json


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_m002_r42_every_float_comes_back_to_the_bit(floats: list[float]) -> None:
    loaded = from_exact_json(to_exact_json({"floats": floats}), "a.json")["floats"]
    assert [value.hex() for value in loaded] == [value.hex() for value in floats]


def test_the_order_of_keys_does_not_change_the_bytes() -> None:
    assert to_exact_json({"a": 1, "b": 2}) == to_exact_json({"b": 2, "a": 1})


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_exact_json({"a": float("nan")})


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": 1'])
def test_what_is_no_json_object_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(CorruptArtifactError, match=r"head\.json"):
        from_exact_json(content, "head.json")
