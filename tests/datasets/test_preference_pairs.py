"""Preference pairs: who is chosen, which pairs stand, which are quarantined, and that all is counted."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from pawl.datasets.preference_pairs import PairSet, PairSettings, build_pairs
from pawl.datasets.similarity import ContextScale
from pawl.errors import QualityError
from pawl.policy.risk_rules import RiskLimits
from trajectory_rows import trajectories

SCALE = ContextScale({"volatility": 0.01, "funding": 0.001, "oi_change": 0.1})
LIMITS = RiskLimits(max_leverage=5.0)

# A pair in each of three other regimes, so that what is tried beside them may be without one.
BESIDE: list[dict[str, object]] = [
    {"ticker": "ETHUSDT", "market_regime": regime, "utility_score": utility, "pnl_bps": utility}
    for regime in ("calm", "down", "flat")
    for utility in (90.0, 10.0)
]


def build(*changed: dict[str, object], settings: PairSettings = PairSettings()) -> PairSet:  # noqa: B008 - a frozen value
    """Pairs of some trajectories of BTCUSDT, with those of BESIDE after them."""
    return build_pairs(trajectories(*changed, *BESIDE), SCALE, settings, LIMITS)


def tried(found: PairSet) -> list[tuple[str, str]]:
    """Chosen and rejected of BTCUSDT."""
    pairs = found.pairs.filter(ticker="BTCUSDT")
    return list(zip(pairs["chosen_id"], pairs["rejected_id"], strict=True))


def won(utility: float, **more: object) -> dict[str, object]:
    return {"utility_score": utility, "pnl_bps": max(utility, 1.0), **more}


def lost(utility: float, **more: object) -> dict[str, object]:
    return {"utility_score": utility, "pnl_bps": min(utility, -1.0), "label_quality": "bad", **more}


@pytest.mark.parametrize(("first", "second"), [(60.0, -40.0), (-40.0, 60.0)])
def test_the_one_that_brought_more_is_chosen(first: float, second: float) -> None:
    found = build(*(won(u) if u > 0 else lost(u) for u in (first, second)))
    assert tried(found) == [("t0000", "t0001") if first > second else ("t0001", "t0000")]
    row = found.pairs.filter(ticker="BTCUSDT").row(0, named=True)
    assert (row["margin_score"], row["pair_quality"], row["split"], row["market_regime"]) == (
        100.0,
        "high",
        "train",
        "up",
    )
    assert (row["chosen_at"] < row["rejected_at"]) == (first > second)


@pytest.mark.parametrize(
    ("margin", "quality"),
    [(9.9999, None), (10.0, "low"), (19.9999, "low"), (20.0, "medium"), (29.9999, "medium"), (30.0, "high")],
)
def test_pass_r19_quality_is_cut_at_one_two_and_three_margins(margin: float, quality: str | None) -> None:
    found = build(won(50.0 + margin), won(50.0))
    assert found.pairs.filter(ticker="BTCUSDT")["pair_quality"].to_list() == ([] if quality is None else [quality])
    assert found.report.n_by_verdict["below_margin"] == (1 if quality is None else 0)


def test_pass_r19_a_margin_of_four_decimals_is_not_lost_to_rounding() -> None:
    # 16.0006 − 6.0006 is 9.999999999999998 to a float.
    found = build(won(16.0006), won(6.0006))
    assert found.pairs.filter(ticker="BTCUSDT")["margin_score"].to_list() == [10.0]


def test_pass_r19_a_reversed_win_is_quarantined_and_in_no_pair() -> None:
    # t0000 lost and is chosen over t0001, which won on a fall that nearly ruined it; t0002 pairs with both otherwise.
    found = build(lost(-5.0), won(-80.0), won(60.0))
    assert tried(found) == []
    assert found.conflicted.to_list() == ["t0000", "t0001"]
    assert found.report.n_conflicted == 2
    verdicts = {name: n for name, n in found.report.n_by_verdict.items() if n}
    assert verdicts == {"conflict": 1, "quarantined": 2, "sound": 3}


def test_pass_r19_one_response_that_won_and_lost_is_quarantined() -> None:
    found = build(won(60.0, response_hash="same"), lost(-40.0, response_hash="same"))
    assert (tried(found), found.conflicted.to_list()) == ([], ["t0000", "t0001"])


def test_one_response_is_no_pair_with_itself() -> None:
    found = build(won(60.0, response_hash="same"), won(10.0, response_hash="same"), won(30.0))
    assert tried(found) == [("t0000", "t0002"), ("t0002", "t0001")]
    assert (found.report.n_by_verdict["same_response"], found.report.n_conflicted) == (1, 0)


def test_pass_r19_a_reversal_below_the_margin_is_no_conflict() -> None:
    found = build(lost(-5.0), won(-14.0))
    assert (tried(found), found.report.n_conflicted, found.report.n_by_verdict["below_margin"]) == ([], 0, 1)


@pytest.mark.parametrize("breach", [{"leverage": 50.0}, {"sl_bps": None}])
def test_pass_r40_a_rule_breaker_is_on_neither_side_of_a_pair(breach: dict[str, object]) -> None:
    found = build(won(9000.0, **breach), lost(-40.0), won(-9000.0, **breach))
    assert (tried(found), found.report.n_rule_breakers) == ([], 2)


@pytest.mark.parametrize("unsettled", [{"label_quality": "pending"}, {"label_quality": "ambiguous"}])
def test_only_settled_labels_are_paired(unsettled: dict[str, object]) -> None:
    found = build(won(60.0) | unsettled, lost(-40.0))
    assert (tried(found), found.report.n_unsettled) == ([], 1)


def test_a_utility_or_response_that_is_not_known_is_not_paired() -> None:
    found = build(won(60.0) | {"utility_score": None}, lost(-40.0), won(70.0, response_hash=None))
    assert (tried(found), found.report.n_unsettled) == ([], 2)


def test_pass_r21_both_sides_of_a_pair_share_market_and_split() -> None:
    found = build(won(60.0), lost(-40.0, split="eval"), lost(-40.0, session_band="us"), lost(-40.0, hours=200))
    assert tried(found) == []


def test_pass_r20_the_minority_keeps_its_share_of_the_pairs() -> None:
    common = [won(40.0 + 20 * number, hours=number) for number in range(16)]
    found = build(*common)
    assert found.report.n_by_regime_before == {"calm": 1, "down": 1, "flat": 1, "up": 120}
    assert found.report.n_by_regime == {"calm": 1, "down": 1, "flat": 1, "up": 10}
    assert (found.report.minority, found.report.n_thinned) == (("calm", "down"), 110)
    assert found.report.minority_share == pytest.approx(2 / 13)
    assert found.report.n_pairs == found.pairs.height == 13
    assert sum(found.report.n_by_quality.values()) == 13


def test_pass_r20_one_regime_alone_fails_with_a_report() -> None:
    with pytest.raises(QualityError, match=r"0 of 1 rows, 15% is needed; rows by regime: up 1"):
        build_pairs(trajectories(won(60.0), lost(-40.0)), SCALE, PairSettings(), LIMITS)


changes = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(0, 300),
            "market_regime": st.sampled_from(["up", "down"]),
            "split": st.sampled_from(["train", "eval"]),
            "utility_score": st.integers(-60, 60).map(float),
            "pnl_bps": st.integers(-60, 60).map(float),
            "response_hash": st.sampled_from(["a", "b", "c", "d"]),
            "leverage": st.sampled_from([2.0, 2.0, 50.0]),
        }
    ),
    min_size=4,
    max_size=30,
)


@given(changes, st.randoms(use_true_random=False))
def test_no_order_of_rows_changes_the_pairs_and_every_pair_keeps_the_rules(
    changed: list[dict[str, object]], random: object
) -> None:
    rows = trajectories(*changed, *BESIDE)
    found = build_pairs(rows, SCALE, PairSettings(), LIMITS)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=random.randrange(1000))  # type: ignore[attr-defined]
    again = build_pairs(shuffled, SCALE, PairSettings(), LIMITS)
    assert_frame_equal(found.pairs, again.pairs)
    assert found.report == again.report
    assert found.conflicted.equals(again.conflicted)
    assert sum(found.report.n_by_verdict.values()) == found.report.n_similar
    by_id = {row["trajectory_id"]: row for row in rows.iter_rows(named=True)}
    for pair in found.pairs.iter_rows(named=True):
        chosen, rejected = by_id[pair["chosen_id"]], by_id[pair["rejected_id"]]
        assert pair["margin_score"] == chosen["utility_score"] - rejected["utility_score"] >= 10
        assert chosen["split"] == rejected["split"] == pair["split"]
        assert chosen["leverage"] == rejected["leverage"] == 2.0
        assert chosen["response_hash"] != rejected["response_hash"]
        assert not (chosen["pnl_bps"] < 0 < rejected["pnl_bps"])
        assert not {pair["chosen_id"], pair["rejected_id"]} & set(found.conflicted)


@pytest.mark.parametrize("wrong", [{"min_margin": 0.0}, {"min_minority_share": 1.0}, {"similarity": {"days": 3}}])
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PairSettings.model_validate(wrong)


def test_the_minority_share_of_the_spec_is_the_default() -> None:
    assert PairSettings().min_minority_share == 0.15


def test_an_empty_frame_fails_as_a_set_without_minorities() -> None:
    with pytest.raises(QualityError, match="rows by regime: nothing"):
        build_pairs(pl.DataFrame(schema=trajectories({}).schema), SCALE, PairSettings(), LIMITS)
