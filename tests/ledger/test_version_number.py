"""Numbers are integers, and each is used once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_world import START, address, run_together
from pawl.errors import NotFoundError
from pawl.ledger.database import Ledger
from pawl.ledger.version_number import VersionNumber, claim_number, count_numbers, keep_number

CLAIM = """
import sys
from datetime import UTC, datetime
from pawl.ledger.database import Ledger
from pawl.ledger.version_number import claim_number
ledger = Ledger(sys.argv[1])
for _ in range(20):
    with ledger.transaction() as tx:
        print(claim_number(tx, "m002", datetime.now(UTC)))
"""

numbers = st.builds(
    VersionNumber, st.just("m002"), st.integers(0, 999), st.integers(0, 999), st.sampled_from(["", "20251021"])
)


@given(numbers)
def test_a_version_reads_back_as_it_was_written(number: VersionNumber) -> None:
    assert VersionNumber.parse(str(number)) == number


def test_ten_comes_after_nine_and_a_daily_update_after_its_base() -> None:
    texts = ["m002-10.0", "m002-1.10", "m002-1.9-daily-20251021", "m002-1.9"]
    assert [str(number) for number in sorted(map(VersionNumber.parse, texts))] == texts[::-1]


@pytest.mark.parametrize(
    "text", ["m002", "1.0", "m002-1", "m002-1.x", "m002-1.0-daily-2025", "M-1.0", "m-1.0 ", "m-١.0"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(NotFoundError, match="not a version"):
        VersionNumber.parse(text)


def test_processes_that_claim_at_once_never_get_the_same_number(ledger: Ledger, tmp_path: Path) -> None:
    printed = run_together(CLAIM, [address(ledger)], 3, tmp_path)
    claimed = sorted(VersionNumber.parse(line) for text in printed for line in text.split())
    assert claimed == [VersionNumber("m002", 1, minor) for minor in range(60)]


def test_learners_count_apart_and_a_number_kept_is_followed(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert keep_number(tx, VersionNumber("reversal", 3, 9), START)
        assert not keep_number(tx, VersionNumber("reversal", 3, 9), START)
        assert str(claim_number(tx, "reversal", START)) == "reversal-3.10"
        assert str(claim_number(tx, "m002", START)) == "m002-1.0"
        assert (count_numbers(tx, "reversal"), count_numbers(tx, "m002"), count_numbers(tx, "risk")) == (2, 1, 0)


def test_a_learner_that_no_version_can_carry_gets_no_number(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError), ledger.transaction() as tx:
        claim_number(tx, "My Learner", START)
