"""Reports to users: no sentence without its events, none about too small a sample, and no promise in any."""

import numpy as np
import polars as pl
import pytest

from behaviour_rows import NOW, START, drawn_user, trades
from pawl.evaluation.behaviour import measure_behaviour
from pawl.evaluation.behaviour_patterns import PATTERNS, PatternLimits
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.evaluation.trade_results import trade_results
from pawl.policy.risk_rules import RiskLimits
from pawl.reports.plain_words import forbidden_expressions
from pawl.reports.user_report import Claim, ClaimKind, ReportEvidence, UserReport, compose_report
from pawl.reports.user_report_words import WORDS

LIMITS = PatternLimits(behaviour=BehaviourSettings(), risk=RiskLimits())


def report_on(rows: pl.DataFrame, *, linked: bool = True, min_sample: int = 20) -> UserReport:
    """The report on a user's rows; every trajectory has two events."""
    links = {name: (f"{name}-open", f"{name}-close") for name in rows["trajectory_id"]} if linked else {}
    return compose_report(
        ReportEvidence(
            start=START,
            end=NOW,
            behaviours=measure_behaviour(rows, LIMITS, START, NOW),
            results=trade_results(rows, START, NOW),
            links=links,
            min_sample=min_sample,
        )
    )


def careless(rng: np.random.Generator) -> pl.DataFrame:
    """Half without a stop, and those the losing half."""
    return drawn_user(rng).with_columns(
        stop_price=pl.when(pl.col("pnl_bps") < 0).then(None).otherwise(pl.col("stop_price"))
    )


def of(report: UserReport, kind: ClaimKind) -> dict[str, Claim]:
    """The claims of a kind, by what they are about."""
    return {claim.about: claim for claim in report.claims if claim.kind is kind}


def test_a_weakness_is_told_with_its_figures_its_cost_and_a_proposal(rng: np.random.Generator) -> None:
    rows = careless(rng)
    report = report_on(rows)
    weakness = of(report, ClaimKind.WEAKNESS)["no_stop_loss"]
    n, hits = rows.height, rows["stop_price"].null_count()
    assert weakness.text.startswith(f"{hits} of {n} trades ({hits / n:.1%}".replace("%", " %"))
    gap = (
        rows.filter(pl.col("stop_price").is_null())["pnl_bps"].mean()
        - rows.filter(pl.col("stop_price").is_not_null())["pnl_bps"].mean()
    )  # type: ignore[operator]
    assert f"They brought −{-gap:,.1f} bps against the others" in weakness.text
    assert weakness.figures["pnl_gap_bps"] == pytest.approx(gap)
    assert of(report, ClaimKind.PROPOSAL)["no_stop_loss"].text == WORDS["no_stop_loss"].proposal


def test_a_strength_is_told_with_the_trades_that_show_it(rng: np.random.Generator) -> None:
    claim = of(report_on(drawn_user(rng)), ClaimKind.STRENGTH)["no_stop_loss"]
    assert claim.text.startswith("300 of 300 trades had a stop.")
    assert claim.n == 300
    assert len(claim.event_ids) == 200  # two events of each of the newest hundred


def test_every_sentence_carries_the_events_that_show_it(rng: np.random.Generator) -> None:
    report = report_on(careless(rng))
    assert report.claims
    for claim in report.claims:
        assert claim.event_ids
        assert len(set(claim.event_ids)) == len(claim.event_ids)
    told = [line for line in report.markdown.splitlines() if line and not line.startswith("#")]
    assert len(told) == len(report.claims)
    assert all(f"(events `{claim.event_ids[0]}`" in line for claim, line in zip(report.claims, told, strict=True))


def test_nothing_is_told_without_links(rng: np.random.Generator) -> None:
    report = report_on(careless(rng), linked=False)
    assert (report.claims, report.markdown) == ((), "# Your decisions, 2024-03-04 to 2024-05-26\n")


def test_nothing_is_told_of_a_sample_that_is_too_small(rng: np.random.Generator) -> None:
    assert report_on(trades(*[{"stop_price": None, "pnl_bps": -50.0 - n} for n in range(19)])).claims == ()
    assert report_on(careless(rng), min_sample=301).claims == ()
    assert report_on(trades()).claims == ()


@pytest.mark.parametrize(("result", "kind"), [(40.0, ClaimKind.STRENGTH), (-40.0, ClaimKind.WEAKNESS)])
def test_a_result_is_told_once_it_is_clear_of_zero(result: float, kind: ClaimKind, rng: np.random.Generator) -> None:
    rows = drawn_user(rng).with_columns(pnl_bps=pl.col("pnl_bps") - pl.col("pnl_bps").mean() + result)
    claim = of(report_on(rows), kind)["net_result"]
    assert f"300 closed trades brought {'+' if result > 0 else '−'}40.0 bps each" in claim.text
    assert "net_result" not in {
        one.about for one in report_on(rows.with_columns(pnl_bps=pl.col("pnl_bps") - result)).claims
    }


def test_progress_is_told_where_there_is_some() -> None:
    rows = trades(*({"hours": 12 * n, "stop_price": None if n % 2 and n < 112 else 98.0} for n in range(166)))
    assert "In the newest weeks it was less frequent (−50.0 %, 54 against 112 occasions)" in (
        of(report_on(rows), ClaimKind.WEAKNESS)["no_stop_loss"].text
    )


def test_every_pattern_has_its_words_and_none_of_them_promises() -> None:
    assert list(WORDS) == list(PATTERNS)
    for words in WORDS.values():
        for sentence in (words.weakness, words.strength, words.proposal):
            assert forbidden_expressions(sentence) == ()
        assert all(f"{{{place}}}" in words.weakness for place in ("n", "hits", "rate"))


@pytest.mark.parametrize(
    "text",
    ["This is guaranteed.", "It will certainly rise.", "a risk-free trade", "You cannot lose", "I PROMISE you",
     "no risk", "a sure thing", "the price is going to rise", "100% of them"],
)  # fmt: skip
def test_certainty_and_promises_are_found(text: str) -> None:
    assert forbidden_expressions(text)
