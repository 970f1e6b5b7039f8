"""A/B tests and routing: PASS-R34, REV-R26, R27, R29, R30, R31."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pawl.errors import NotFoundError
from pawl.gates.ab_test import (
    AbCounts,
    AbSettings,
    AbTest,
    Winner,
    arm_of,
    close_earlier,
    decide,
    decider_of,
    two_proportion_p,
)
from pawl.gates.routing import route
from pawl.ids import ModelVersion

OLD, NEW = ModelVersion("reversal-3.2"), ModelVersion("reversal-3.3")
START = datetime(2026, 1, 4, 1, tzinfo=UTC)
TEST = AbTest(
    test_id="t-1", model_a=OLD, model_b=NEW, traffic_split=0.5, started_at=START, ends_at=START + timedelta(days=7)
)


def test_rev_r27_half_of_ten_thousand_bars_go_to_a_and_a_bar_keeps_its_arm() -> None:
    """REV-R27: 50 % ± 2 %, over two pairs; asked again, the same bar has the same arm."""
    bars = [(pair, START + timedelta(minutes=15 * n)) for n in range(5000) for pair in ("EURUSD", "USDJPY")]
    arms = [arm_of(TEST, pair, "15m", at) for pair, at in bars]
    assert 0.48 <= arms.count(OLD) / len(arms) <= 0.52
    assert arms == [arm_of(TEST, pair, "15m", at) for pair, at in bars]


@given(st.text(min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_pass_r34_a_canary_of_five_percent_lies_inside_that_of_twenty(user: str, one: float, other: float) -> None:
    """PASS-R34: who is in a small canary is in every larger one, and is asked twice with one answer."""
    small, large = sorted((one, other))
    in_small = route(OLD, NEW, small, user).acting == NEW
    in_large = route(OLD, NEW, large, user).acting == NEW
    assert in_large or not in_small
    assert route(OLD, NEW, small, user) == route(OLD, NEW, small, user)


def test_pass_r34_the_shares_are_what_they_are_called() -> None:
    """PASS-R34: of 20,000 users 5 % and 20 %, within what chance allows, the small group inside the large one."""
    users = [f"user-{number}" for number in range(20_000)]
    five = {user for user in users if route(OLD, NEW, 0.05, user).acting == NEW}
    twenty = {user for user in users if route(OLD, NEW, 0.20, user).acting == NEW}
    assert abs(len(five) / 20_000 - 0.05) < 0.005 and abs(len(twenty) / 20_000 - 0.20) < 0.01
    assert five < twenty


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_rev_r30_the_p_value_is_that_of_a_reference_test(n_a: int, n_b: int, data: st.DataObject) -> None:
    """REV-R30: to 5 decimals. The square of the pooled z is the χ² of the 2 × 2 table without correction (scipy)."""
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    found = two_proportion_p(AbCounts(a, n_a), AbCounts(b, n_b))
    assert found is not None
    if a + b in (0, n_a + n_b):
        assert found == 1.0
        return
    table = [[a, n_a - a], [b, n_b - b]]
    assert round(found, 5) == pytest.approx(
        round(float(stats.chi2_contingency(table, correction=False).pvalue), 5), abs=1e-9
    )


def test_rev_r30_the_winner_is_a_b_or_nobody() -> None:
    """REV-R30: model_a, model_b or tie, nothing else."""

    def winner(a: int, b: int) -> Winner:
        return decide(TEST, AbCounts(a, 100), AbCounts(b, 100), AbSettings(), TEST.ends_at).winner

    assert [winner(70, 40), winner(40, 70), winner(50, 52)] == [Winner.MODEL_A, Winner.MODEL_B, Winner.TIE]


def test_rev_r31_too_few_signals_are_a_tie_and_nobody_decides_early() -> None:
    """REV-R31: an arm of 29 is too few whatever its wins; before the end there is no answer to be had."""
    few = decide(TEST, AbCounts(29, 29), AbCounts(5, 90), AbSettings(), TEST.ends_at)
    assert few.winner is Winner.TIE and few.is_significant is False
    with pytest.raises(Exception, match="runs until"):
        decide(TEST, AbCounts(70, 100), AbCounts(40, 100), AbSettings(), TEST.ends_at - timedelta(seconds=1))


def test_rev_r29_without_a_test_the_active_version_decides_and_without_one_nobody() -> None:
    """REV-R29: no test, the active version; none active, an error, no signal. REV-R28: the test's id goes along."""
    alone = decider_of(None, OLD, "EURUSD", "15m", START)
    assert (alone.version, alone.ab_test_id) == (OLD, None)
    with pytest.raises(NotFoundError):
        decider_of(None, None, "EURUSD", "15m", START)
    routed = decider_of(TEST, OLD, "EURUSD", "15m", START)
    assert (routed.version, routed.ab_test_id) == (arm_of(TEST, "EURUSD", "15m", START), "t-1")


def test_rev_r26_a_running_test_is_closed_before_the_next_one_starts() -> None:
    """REV-R26 (the value; the transaction is the shell's): stopped inside its week, completed after it."""
    inside, after = close_earlier(TEST, START + timedelta(days=3)), close_earlier(TEST, TEST.ends_at)
    assert inside is not None and after is not None
    assert [inside.status, after.status] == ["stopped", "completed"]
