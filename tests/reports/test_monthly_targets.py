"""The targets of the design beside what was reached."""

from dataclasses import replace

from pawl.reports.monthly_targets import Reached, targets

GOOD = Reached(
    n_signals=100, n_hold=94, n_wins=60, n_losses=40, pnl_bps=12.5, first_win_rate=0.55, data_age_days=10.0,
    n_by_hand=0, n_ranked=2, n_tests_decided=1,
)  # fmt: skip


def test_every_target_can_be_met() -> None:
    found = targets(GOOD)
    assert [one.is_met for one in found] == [True] * 8
    assert [one.reached for one in found] == [
        "10 days old", "+5.00", "94.0 %", "0 moves", "2", "1", "60.0 %", "+12.5 bps",
    ]  # fmt: skip


def test_each_is_missed_by_its_own_figure() -> None:
    for place, change in enumerate(
        (
            {"data_age_days": 31.5}, {"first_win_rate": 0.551}, {"n_hold": 95}, {"n_by_hand": 1}, {"n_ranked": 1},
            {"n_tests_decided": 0}, {"n_wins": 599, "n_losses": 401, "first_win_rate": 0.5}, {"pnl_bps": 0.0},
        )
    ):  # fmt: skip
        met = [one.is_met for one in targets(replace(GOOD, **change))]
        assert met == [i != place for i in range(8)], change


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    nothing = replace(
        GOOD, n_signals=0, n_hold=0, n_wins=0, n_losses=0, pnl_bps=None, first_win_rate=None, data_age_days=None
    )
    assert [one.is_met for one in targets(nothing)] == [None, None, None, True, True, True, None, None]
