"""The ranking of a month (REV-R34, REV-R35): weights, scale, who takes part, and what is equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import minmax_scale

from pawl.evaluation.ranking import WEIGHTS, MonthFigures, RankingRules, rank

RULES = RankingRules()
FIGURE = st.floats(-50, 50).map(lambda value: round(value, 3))


def month(
    win_rate: float | None = 0.5,
    sharpe: float | None = 1.0,
    pnl: float | None = 2.0,
    drawdown: float | None = 0.05,
    n: int = 100,
    share: float = 0.1,
) -> MonthFigures:
    return MonthFigures(
        n_resolved=n, signal_share=share, win_rate=win_rate, avg_pnl=pnl, sharpe_ratio=sharpe, max_drawdown=drawdown
    )


months = st.builds(
    month,
    win_rate=st.floats(0, 1).map(lambda value: round(value, 3)),
    sharpe=FIGURE,
    pnl=FIGURE,
    drawdown=st.floats(0, 1).map(lambda value: round(value, 3)),
    n=st.integers(30, 500),
)
fields = st.dictionaries(st.sampled_from("abcdefgh"), months, min_size=1)


def test_rev_r34_the_score_is_that_of_a_calculation_by_hand() -> None:
    found = rank(
        {
            "v3.2": month(win_rate=0.50, sharpe=0.0, pnl=-2.0, drawdown=0.10),
            "v3.3": month(win_rate=0.60, sharpe=2.0, pnl=6.0, drawdown=0.06),
            "v3.4": month(win_rate=0.55, sharpe=4.0, pnl=2.0, drawdown=0.02),
        },
        RULES,
    )
    # On [0, 1]: win rate 0, 1, 0.5; Sharpe 0, 0.5, 1; PnL 0, 1, 0.5; drawdown 1, 0.5, 0.
    # v3.3: 0.3·1 + 0.3·0.5 + 0.2·1 + 0.2·0.5 = 0.75; v3.4: 0.3·0.5 + 0.3·1 + 0.2·0.5 + 0.2·1 = 0.75; v3.2: 0.
    assert [(one.version, one.score, one.place) for one in found] == [
        ("v3.3", 0.75, 1),
        ("v3.4", 0.75, 2),
        ("v3.2", 0.0, 3),
    ]


def test_rev_r34_the_weights_are_those_of_the_formula() -> None:
    assert WEIGHTS == {"win_rate": 0.3, "sharpe_ratio": 0.3, "avg_pnl": 0.2, "max_drawdown": 0.2}
    plain = month()
    for changed, weight in (
        (month(win_rate=0.7), 0.3),
        (month(sharpe=3.0), 0.3),
        (month(pnl=9.0), 0.2),
        (month(drawdown=0.01), 0.2),
    ):
        scores = {one.version: one.score for one in rank({"plain": plain, "better": changed}, RULES)}
        # The three figures that both share give each 0.5; the fourth gives the better one all of its weight.
        assert scores["better"] - scores["plain"] == pytest.approx(weight)


def test_rev_r34_money_and_sharpe_do_not_drown_the_rest() -> None:
    # In the raw sum 0.2 · 900 bps is all that counts; on [0, 1] three better figures outweigh it.
    steady = month(win_rate=0.6, sharpe=2.0, pnl=5.0, drawdown=0.02)
    lottery = month(win_rate=0.4, sharpe=1.9, pnl=900.0, drawdown=0.3)
    assert rank({"lottery": lottery, "steady": steady}, RULES)[0].version == "steady"


@given(fields)
def test_rev_r34_an_independent_implementation_agrees(figures: dict[str, MonthFigures]) -> None:
    names = list(figures)
    table = np.array(
        [[figures[n].win_rate, figures[n].sharpe_ratio, figures[n].avg_pnl, figures[n].max_drawdown] for n in names]
    )
    unit = np.where(np.ptp(table, axis=0) == 0, 0.5, minmax_scale(table))
    unit[:, 3] = 1 - unit[:, 3]
    wanted = dict(zip(names, unit @ [0.3, 0.3, 0.2, 0.2], strict=True))
    found = rank(figures, RULES)
    assert {one.version: one.score for one in found} == pytest.approx(wanted, abs=1e-9)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(0 <= one.score <= 1 for one in found if one.score is not None)


@given(fields, st.sampled_from([0.5, 2.0, 1024.0]), st.sampled_from(sorted(WEIGHTS)))
def test_rev_r34_the_unit_of_a_figure_means_nothing(figures: dict[str, MonthFigures], factor: float, name: str) -> None:
    from dataclasses import replace

    scaled = {key: replace(one, **{name: getattr(one, name) * factor}) for key, one in figures.items()}
    assert [one.version for one in rank(scaled, RULES)] == [one.version for one in rank(figures, RULES)]


@given(fields, st.randoms(use_true_random=False))
def test_the_order_in_which_versions_are_handed_in_means_nothing(
    figures: dict[str, MonthFigures], order: object
) -> None:
    shuffled = list(figures.items())
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(dict(shuffled), RULES) == rank(figures, RULES)


def test_rev_r35_a_version_with_one_lucky_trade_cannot_win_the_month() -> None:
    lucky = month(win_rate=1.0, sharpe=40.0, pnl=500.0, drawdown=0.0, n=1)
    steady = month(win_rate=0.55, sharpe=1.5, pnl=3.0, n=120)
    found = rank({"lucky": lucky, "steady": steady}, RULES)
    assert [(one.version, one.place) for one in found] == [("steady", 1), ("lucky", None)]
    assert found[1].reason == "1 resolved signals, fewer than 30"
    # Nor does it stretch the scale that the others are laid on.
    assert found[0].parts == dict.fromkeys(WEIGHTS, 0.5)


def test_rev_r35_the_minimum_counts_to_the_signal() -> None:
    found = rank({"few": month(n=29), "enough": month(n=30)}, RULES)
    assert [(one.version, one.place) for one in found] == [("enough", 1), ("few", None)]


def test_a_version_without_trades_has_nulls_and_is_not_ranked() -> None:
    idle = month(win_rate=None, sharpe=None, pnl=None, drawdown=None, n=0, share=0.0)
    still = month(sharpe=None)
    odd = month(sharpe=float("nan"))
    found = rank({"idle": idle, "still": still, "odd": odd, "busy": month()}, RULES)
    assert [(one.version, one.place, one.score) for one in found] == [
        ("busy", 1, 0.5),
        ("idle", None, None),
        ("odd", None, None),
        ("still", None, None),
    ]
    assert found[3].reason == "nothing to measure of sharpe_ratio"


def test_signal_frequency_is_a_bound_and_no_term() -> None:
    found = rank(
        {"churner": month(sharpe=9.0, share=0.51), "rare": month(share=0.01), "often": month(share=0.5)}, RULES
    )
    assert [(one.version, one.score) for one in found] == [("often", 0.5), ("rare", 0.5), ("churner", None)]
    assert "over-trading" in found[2].reason


def test_one_version_alone_and_versions_that_are_all_equal_score_a_half() -> None:
    assert [one.score for one in rank({"alone": month()}, RULES)] == [0.5]
    assert [one.score for one in rank({"a": month(), "b": month(), "c": month()}, RULES)] == [0.5] * 3
    assert rank({}, RULES) == []


def test_a_tie_goes_to_what_serves_then_to_more_signals_then_to_the_name() -> None:
    same = {"a": month(n=40), "b": month(n=90), "c": month(n=40)}
    assert [one.version for one in rank(same, RULES)] == ["b", "a", "c"]
    assert [one.version for one in rank(same, RULES, serving="c")] == ["c", "b", "a"]
