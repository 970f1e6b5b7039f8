"""Numbers are integers, and each is used once."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_world import START, address, run_together
from pawl.errors import NotFoundError
from pawl.ledger.database import Ledger
from pawl.ledger.version_number import (
    VersionNumber,
    claim_number,
    count_numbers,
    first_number,
    keep_number,
    next_number,
)

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


DAYS = (date(2025, 10, 21), date(2025, 10, 22))


def test_rev_r19_a_daily_name_is_that_of_the_base_and_the_day_and_never_doubled() -> None:
    first = VersionNumber.parse("reversal-3.2").daily_of(DAYS[0])
    assert first.version == "reversal-3.2-daily-20251021"
    assert first.daily_of(DAYS[1]).version == "reversal-3.2-daily-20251022"
    assert first.daily_of(DAYS[0]) == first, "a day that is done again has the same name"
    assert first.base.version == "reversal-3.2"
    with pytest.raises(NotFoundError):
        VersionNumber.parse("reversal-3.2-daily-20251021-daily-20251022")


def test_rev_r20_after_3_9_and_3_10_comes_3_11_whatever_dailies_there_are() -> None:
    used = ["reversal-3.9", "reversal-3.10", "reversal-3.2-daily-20991231", "m002-7.0", "reversal-3.2"]
    for order in (used, used[::-1]):
        assert next_number(map(VersionNumber.parse, order), "reversal").version == "reversal-3.11"


def test_rev_r20_the_ledger_counts_on_after_3_10_and_after_a_deleted_version(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for minor in (10, 9):
            keep_number(tx, VersionNumber("reversal", 3, minor), START)
        assert claim_number(tx, "reversal", START).version == "reversal-3.11"


def test_rev_r21_trainings_that_finish_together_get_different_numbers(ledger: Ledger, tmp_path: Path) -> None:
    printed = run_together(CLAIM.replace("m002", "reversal"), [address(ledger)], 2, tmp_path)
    claimed = [line for text in printed for line in text.split()]
    assert len(set(claimed)) == len(claimed) == 40
    assert sorted(map(VersionNumber.parse, claimed))[0].version == "reversal-3.3", "3.2 came from elsewhere"


def test_the_first_number_of_reversal_follows_the_one_it_came_with() -> None:
    assert first_number("reversal").version == "reversal-3.3"
    assert first_number("m002").version == "m002-1.0"
    assert next_number([], "reversal") == first_number("reversal")
    assert next_number([VersionNumber.parse("reversal-1.0")], "reversal") == first_number("reversal")


@given(numbers)
def test_a_short_name_reads_back(number: VersionNumber) -> None:
    assert VersionNumber.parse_short(number.short, "m002") == number
    assert VersionNumber.parse_short(number.version, "reversal") == number


def test_its_users_write_v3_3() -> None:
    assert VersionNumber.parse("reversal-3.3-daily-20251021").short == "v3.3-daily-20251021"
    assert VersionNumber.parse_short("v3.3", "reversal").version == "reversal-3.3"
    with pytest.raises(NotFoundError):
        VersionNumber.parse_short("v3", "reversal")
