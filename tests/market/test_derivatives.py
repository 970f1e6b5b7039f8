"""The schemas of what stands beside bars."""

import pytest

from pawl.market.bars import UTC_TIME
from pawl.market.derivatives import FUNDING_SCHEMA, ONCHAIN_SCHEMA, OPEN_INTEREST_SCHEMA


@pytest.mark.parametrize("schema", [FUNDING_SCHEMA, ONCHAIN_SCHEMA, OPEN_INTEREST_SCHEMA])
def test_every_row_says_when_it_becomes_known(schema: dict[str, object]) -> None:
    assert list(schema)[:3] == ["ticker", "ts", "available_at"]
    assert schema["available_at"] == UTC_TIME
