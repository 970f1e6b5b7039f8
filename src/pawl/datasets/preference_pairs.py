"""Preference pairs (L4): of two decisions in a common market, the one that brought more is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pawl.datasets.passport_settings import PairSettings
from pawl.datasets.regime_shares import limit_majority
from pawl.datasets.similarity import EQUAL_COLUMNS, ContextScale, Similar, similar_pairs
from pawl.policy.label_quality import LabelQuality
from pawl.policy.risk_rules import RiskLimits, rule_abiding

__all__ = ["PairReport", "PairSet", "PairSettings", "build_pairs", "pair_quality"]

DECIMALS = 4
"""`margin_score` is kept as numeric(12,4)."""

QUALITIES = ("high", "medium", "low")

VERDICTS = ("below_margin", "conflict", "same_response", "quarantined", "duplicate", "sound")
"""Of a pair: the margin is too small; win and loss are reversed; there is one response, so nothing to prefer; one of it
stands in a conflict elsewhere; an earlier pair says the same; or nothing is against it. The first that holds counts."""

PAIRS_AT_ONCE = 1_000_000

VERDICT = pl.Enum(VERDICTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReport:
    """What became of the trajectories and of the pairs among them: what a quality report keeps.

    Trajectories: n_rule_breakers broke a risk rule; n_unsettled are not labelled good or bad; n_unplaced have no
    side, key or finite context; n_cut_off had more partners than were compared; n_conflicted are quarantined.
    Pairs: n_similar were judged, each with one of VERDICTS; of the sound ones n_thinned were left out for the shares of
    regimes, and n_pairs are kept.
    """

    n_trajectories: int
    n_rule_breakers: int
    n_by_rule: Mapping[str, int]
    n_unsettled: int
    n_unplaced: int
    n_cut_off: int
    n_conflicted: int
    n_similar: int
    n_by_verdict: Mapping[str, int]
    n_pairs: int
    n_thinned: int
    n_by_quality: Mapping[str, int]
    n_by_regime_before: Mapping[str, int]
    n_by_regime: Mapping[str, int]
    minority: tuple[str, ...]
    minority_share: float


@dataclass(frozen=True, slots=True, eq=False)
class PairSet:
    """pairs: one row each, in the order of the chosen decisions. conflicted: `trajectory_id` of those to be labelled
    ambiguous, in the order of their decisions.

    Columns of the pairs: chosen_id, rejected_id, chosen_at, rejected_at, margin_score, pair_quality, and what both
    share: EQUAL_COLUMNS and the sides of the splits.
    """

    pairs: pl.DataFrame
    conflicted: pl.Series
    report: PairReport


def pair_quality(margin_score: pl.Expr, min_margin: float) -> pl.Expr:
    """high from 3×, medium from 2×, low from 1× min_margin; null below.

    >>> pl.select(pair_quality(pl.lit(pl.Series([9.9, 10.0, 20.0, 30.0])), 10.0)).to_series().to_list()
    [None, 'low', 'medium', 'high']
    """
    return (
        pl.when(margin_score >= 3 * min_margin)
        .then(pl.lit("high"))
        .when(margin_score >= 2 * min_margin)
        .then(pl.lit("medium"))
        .when(margin_score >= min_margin)
        .then(pl.lit("low"))
        .alias("pair_quality")
    )


def build_pairs(
    trajectories: pl.DataFrame,
    scale: ContextScale,
    settings: PairSettings,
    limits: RiskLimits,
    splits: Sequence[str] = ("split",),
) -> PairSet:
    """Chosen and rejected among the trajectories, with a count of everything that was left out.

    trajectories: one row each with what `similar_pairs` and the risk rules read, and label_quality, utility_score,
    pnl_bps, prompt_hash and response_hash (of what a model would read, and would have to say). splits: columns that
    name the side.
    scale: fitted on the training side.

    Win and loss are reversed where the chosen one lost and the rejected one won, or where the same response won once
    and lost once. Both trajectories of such a conflict are in no pair at all, and are named, to be labelled ambiguous.
    QualityError where the minority regimes cannot be given their share.
    """
    abiding = rule_abiding(trajectories, limits)
    # In an order of their own, so that no result hangs on the order they came in.
    settled = abiding.rows.filter(_is_settled()).sort("decided_at", "trajectory_id")
    similar = similar_pairs(settled, scale, settings.similarity, splits)
    judged = _judged(settled, similar, settings.min_margin)
    conflicted = _in_conflict(judged)
    is_quarantined = pl.any_horizontal(pl.col("chosen", "rejected").is_in(conflicted.implode()))
    judged = judged.with_columns(
        verdict=pl.when(is_quarantined & (pl.col("verdict") == "sound"))
        .then(pl.lit("quarantined", VERDICT))
        .otherwise("verdict")
    )
    sound = judged.filter(pl.col("verdict") == "sound").sort("chosen", "rejected")
    is_first = _says_something_new(settled, sound)
    n_duplicates, sound = sound.height - int(is_first.sum()), sound.filter(is_first)
    regimes = settled.get_column("market_regime")
    shares = limit_majority(
        sound.with_columns(market_regime=regimes.gather(sound.get_column("chosen"))),
        regimes.drop_nulls().unique().to_list(),
        settings.min_minority_share,
        settings.max_pairs,
    )
    pairs = _pairs(settled, shares.rows, settings.min_margin, splits)
    n_by_verdict = _counts(judged, "verdict") | {"duplicate": n_duplicates, "sound": sound.height}
    n_by_quality = _counts(pairs, "pair_quality")
    report = PairReport(
        n_trajectories=trajectories.height,
        n_rule_breakers=abiding.n_removed,
        n_by_rule=abiding.n_by_rule,
        n_unsettled=abiding.rows.height - settled.height,
        n_unplaced=similar.n_unplaced,
        n_cut_off=similar.n_cut_off,
        n_conflicted=conflicted.len(),
        n_similar=similar.first.size,
        n_by_verdict={verdict: n_by_verdict.get(verdict, 0) for verdict in VERDICTS},
        n_pairs=pairs.height,
        n_thinned=sound.height - pairs.height,
        n_by_quality={quality: n_by_quality.get(quality, 0) for quality in QUALITIES},
        n_by_regime_before=shares.n_by_regime_before,
        n_by_regime=shares.n_by_regime,
        minority=shares.minority,
        minority_share=shares.minority_share,
    )
    return PairSet(pairs, settled.get_column("trajectory_id").gather(conflicted), report)


def _is_settled() -> pl.Expr:
    return (
        pl.col("label_quality").is_in([LabelQuality.GOOD.value, LabelQuality.BAD.value])
        & pl.col("utility_score").is_finite()
        & pl.col("pnl_bps").is_finite()
        & pl.col("response_hash").is_not_null()
    )


def _judged(settled: pl.DataFrame, similar: Similar, min_margin: float) -> pl.DataFrame:
    """chosen and rejected as row numbers, margin_score and verdict. Numbers alone, for there may be millions."""
    utility, pnl = (settled.get_column(name).cast(pl.Float64).to_numpy() for name in ("utility_score", "pnl_bps"))
    response = settled.get_column("response_hash").rank("dense").to_numpy()
    margin, is_same = pl.col("margin_score"), pl.col("is_same_response")
    is_reversed = (pl.col("chosen_pnl") < 0) & (pl.col("rejected_pnl") > 0)
    is_contrary = is_same & (pl.col("chosen_pnl") * pl.col("rejected_pnl") < 0)
    verdict = (
        pl.when(margin < min_margin)
        .then(pl.lit("below_margin"))
        .when(is_reversed | is_contrary)
        .then(pl.lit("conflict"))
        .when(is_same)
        .then(pl.lit("same_response"))
        .otherwise(pl.lit("sound"))
    )
    schema = pl.Schema(
        {"chosen": pl.UInt32(), "rejected": pl.UInt32(), "margin_score": pl.Float64(), "verdict": VERDICT}
    )
    judged = [pl.DataFrame(schema=schema)]
    for start in range(0, similar.first.size, PAIRS_AT_ONCE):
        first, second = (side[start : start + PAIRS_AT_ONCE] for side in (similar.first, similar.second))
        is_second = utility[second] > utility[first]
        chosen, rejected = np.where(is_second, second, first), np.where(is_second, first, second)
        compared = {
            "chosen": chosen,
            "rejected": rejected,
            "margin_score": utility[chosen] - utility[rejected],
            "chosen_pnl": pnl[chosen],
            "rejected_pnl": pnl[rejected],
            "is_same_response": response[chosen] == response[rejected],
        }
        frame = pl.DataFrame(compared).with_columns(margin.round(DECIMALS))
        judged.append(frame.select("chosen", "rejected", "margin_score", verdict=verdict).cast(schema))
    return pl.concat(judged)


def _says_something_new(settled: pl.DataFrame, sound: pl.DataFrame) -> pl.Series:
    """Whether no pair before it has its prompt, chosen and rejected response."""
    said = {
        "prompt": ("prompt_hash", "chosen"),
        "chosen": ("response_hash", "chosen"),
        "rejected": ("response_hash", "rejected"),
    }
    ranks = {name: settled.get_column(name).rank("dense") for name in ("prompt_hash", "response_hash")}
    keys = [ranks[column].gather(sound.get_column(side)).alias(name) for name, (column, side) in said.items()]
    return pl.DataFrame(keys).select(pl.struct(pl.all()).hash().is_first_distinct()).to_series()


def _in_conflict(judged: pl.DataFrame) -> pl.Series:
    """Row numbers of both sides of every conflict, ascending."""
    conflicts = judged.filter(pl.col("verdict") == "conflict")
    return pl.concat([conflicts["chosen"], conflicts["rejected"].rename("chosen")]).unique().sort()


def _pairs(settled: pl.DataFrame, kept: pl.DataFrame, min_margin: float, splits: Sequence[str]) -> pl.DataFrame:
    def of(side: str, name: str) -> pl.Series:
        return settled.get_column(name).gather(kept.get_column(side))

    return kept.select(
        of("chosen", "trajectory_id").alias("chosen_id"),
        of("rejected", "trajectory_id").alias("rejected_id"),
        of("chosen", "decided_at").alias("chosen_at"),
        of("rejected", "decided_at").alias("rejected_at"),
        "margin_score",
        pair_quality(pl.col("margin_score"), min_margin),
        *(of("chosen", name) for name in (*EQUAL_COLUMNS, *splits)),
    )


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(rows.group_by(column).len().iter_rows())
