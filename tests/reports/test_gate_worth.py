"""The one sentence that is read first on the page of a replay, in each of the ways it can come out."""

import math

from pawl.reports.gate_worth import gate_worth
from pawl.reports.report_data import Interval

THREE = ("gated", "always", "frozen")
MORE, LESS, AROUND = Interval(1.2, 0.4, 2.0), Interval(-1.2, -2.0, -0.4), Interval(0.3, -0.2, 0.8)


def worth(always: Interval, frozen: Interval) -> str:
    """The answer when gated differs from the other two by these."""
    return gate_worth(THREE, {"gated_minus_always": always, "gated_minus_frozen": frozen})


def test_a_gate_that_earns_more_than_both_was_worth_it() -> None:
    assert worth(MORE, MORE) == (
        "The gate was worth it: gated − always is +1.2 bps a decision (95 % interval 0.4 … 2.0, clear of zero) and "
        "gated − frozen is +1.2 bps a decision (95 % interval 0.4 … 2.0, clear of zero)."
    )


def test_an_interval_that_holds_zero_is_not_clear_of_it() -> None:
    text = worth(AROUND, AROUND)
    assert text.startswith("The gate was not shown to be worth it: gated − always is +0.3 bps a decision")
    assert text.count("not clear of zero") == 2
    assert worth(Interval(0.4, 0.0, 0.8), AROUND).count("not clear of zero") == 2


def test_a_gate_that_costs_is_said_to() -> None:
    assert worth(LESS, LESS).startswith(
        "The gate was not worth it, always and frozen earned more: gated − always is −1.2"
    )
    assert worth(LESS, AROUND).startswith("The gate was not worth it, always earned more:")


def test_a_gate_that_is_worth_it_against_one_names_it() -> None:
    assert worth(AROUND, MORE).startswith("The gate was worth it against frozen only:")
    assert worth(LESS, MORE).startswith("The gate was worth it against frozen, but always earned more:")


def test_a_figure_without_an_interval_or_without_a_value_claims_nothing() -> None:
    text = worth(Interval(1.0), Interval(math.nan, math.nan, math.nan))
    assert text == (
        "The gate was not shown to be worth it: gated − always is +1.0 bps a decision (no interval) and "
        "gated − frozen could not be measured."
    )


def test_without_a_difference_it_says_why_there_is_none() -> None:
    end = "so nothing says what the gate was worth."
    assert gate_worth(["gated"], {}) == f"Only the gated policy was replayed, {end}"
    assert gate_worth(["always", "frozen"], {}) == f"The gated policy was not replayed, {end}"
    assert gate_worth(THREE, {}) == f"No difference between the policies was measured, {end}"
