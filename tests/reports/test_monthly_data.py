"""A report is a value: it cannot be changed once it was gathered."""

from dataclasses import FrozenInstanceError

import pytest

from synthetic_month import synthetic_month


def test_what_was_gathered_cannot_be_changed() -> None:
    data = synthetic_month()
    with pytest.raises(FrozenInstanceError):
        data.month = "2026-02"  # type: ignore[misc]
