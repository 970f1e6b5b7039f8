"""From prepared rows to the rows of a dataset: a corpus (L2), supervised samples (L3) or preference pairs (L4)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from pawl.datasets.documents import prompt_text, response_text
from pawl.datasets.duplicates import distinct_rows
from pawl.datasets.oversampling import oversample_fast
from pawl.datasets.preference_pairs import build_pairs
from pawl.datasets.prepared_rows import Prepared, shares
from pawl.datasets.recipe import Recipe
from pawl.datasets.sft_selection import select_sft
from pawl.datasets.similarity import ContextScale
from pawl.datasets.time_split import EVAL, TRAIN
from pawl.ledger.redaction import redact_text
from pawl.policy.risk_rules import rule_abiding

__all__ = ["DOCUMENT_SCHEMA", "LAYERS", "Layer", "build_layer"]

DOCUMENT_SCHEMA = pl.Schema({"content": pl.String(), "source": pl.String(), "licence": pl.String()})
"""Texts from outside, in an order of their own."""

TIME_TEXT = "%Y-%m-%dT%H:%M:%S%.6fZ"
N_NAMED = 100
"""Ids that a quality report names of those that were quarantined; all of them carry the label."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The rows of a dataset, as `source.select(columns)` says them: texts of a million rows need not stand in memory
    at once. conflicted: ids of trajectories to be labelled ambiguous, 32 hexadecimal digits.
    """

    source: pl.DataFrame
    columns: tuple[pl.Expr, ...]
    quality: Mapping[str, Any]
    conflicted: pl.Series

    @property
    def n_rows(self) -> int:
        """The sample count."""
        return self.source.height


Builder = Callable[[pl.DataFrame, Recipe, pl.DataFrame], Layer]


def build_layer(prepared: Prepared, recipe: Recipe, documents: pl.DataFrame) -> Layer:
    """The layer that the recipe names; the same for the same arguments, to the byte.

    documents: DOCUMENT_SCHEMA, which a corpus alone takes up. QualityError where the rare regimes cannot be given their
    share of the pairs.
    """
    layer = LAYERS[recipe.dataset_type](prepared.rows, recipe, documents)
    return Layer(layer.source, layer.columns, _as_json({**prepared.quality, **layer.quality}), layer.conflicted)


def _corpus(rows: pl.DataFrame, recipe: Recipe, documents: pl.DataFrame) -> Layer:
    abiding = rule_abiding(rows, recipe.settings.limits)
    distinct = distinct_rows(abiding.rows)
    more = oversample_fast(distinct.rows, recipe.settings.oversampling, TRAIN)
    texts = documents.with_columns(
        pl.col("content").map_elements(redact_text, pl.String), kind=pl.lit("document"), split=pl.lit(TRAIN)
    )
    source = pl.concat([more.rows.with_columns(kind=pl.lit("decision")), texts], how="diagonal")
    is_decision = pl.col("kind") == "decision"
    columns = (
        pl.col("kind"),
        pl.col("split"),
        pl.col("copy"),
        *_origin(),
        pl.when(is_decision).then(prompt_text()).alias("prompt"),
        pl.when(is_decision).then(response_text()).alias("response"),
        *(pl.col(name) for name in DOCUMENT_SCHEMA),
    )
    quality = {
        "n_rule_breakers": abiding.n_removed,
        "n_by_rule": dict(abiding.n_by_rule),
        "n_duplicates": distinct.n_duplicates,
        "n_added_fast": more.n_added,
        "fast_share_before": more.fast_share_before,
        "fast_share": more.fast_share,
        "n_documents": documents.height,
        "samples": _samples(more.rows),
    }
    return Layer(source, columns, quality, _nobody())


def _samples_to_imitate(rows: pl.DataFrame, recipe: Recipe, documents: pl.DataFrame) -> Layer:
    distinct = distinct_rows(rows)
    # Each side by itself: what is best in training must not hang on what came later.
    sides = {
        side: select_sft(distinct.rows.filter(split=side), recipe.settings.sft, recipe.settings.limits)
        for side in (TRAIN, EVAL)
    }
    source = pl.concat([found.rows for found in sides.values()])
    columns = (
        pl.col("split"),
        pl.col("sft_rank"),
        *_origin(),
        prompt_text(),
        response_text(),
        *(pl.col(name) for name in ("utility_score", "risk_adjusted_return", "consistency")),
    )
    quality = {
        "n_duplicates": distinct.n_duplicates,
        "n_rule_breakers": sum(found.report.n_rule_breakers for found in sides.values()),
        "selection": {side: asdict(found.report) for side, found in sides.items()},
        "samples": _samples(source),
    }
    return Layer(source, columns, quality, _nobody())


def _pairs(rows: pl.DataFrame, recipe: Recipe, documents: pl.DataFrame) -> Layer:
    settings = recipe.settings
    found = build_pairs(rows, ContextScale.fitted(rows.filter(split=TRAIN)), settings.pairs, settings.limits)
    said = rows.filter(pl.col("trajectory_id").is_in(_both(found.pairs).implode())).select(
        "trajectory_id", "user_id", "trace_id", "direction", prompt_text(), response_text()
    )
    chosen = said.rename({"trajectory_id": "chosen_id", "response": "chosen"})
    rejected = said.select(rejected_id="trajectory_id", rejected="response")
    source = found.pairs.join(chosen, on="chosen_id", how="left", maintain_order="left").join(
        rejected, on="rejected_id", how="left", maintain_order="left"
    )
    columns = (
        pl.col("split"),
        *(_id(name) for name in ("chosen_id", "rejected_id", "user_id")),
        pl.col("trace_id"),
        pl.col("chosen_at").dt.strftime(TIME_TEXT),
        pl.col("rejected_at").dt.strftime(TIME_TEXT),
        *(pl.col(name) for name in ("prompt", "chosen", "rejected", "margin_score", "pair_quality")),
    )
    named = found.conflicted.head(N_NAMED).to_frame().select(_id("trajectory_id")).to_series().to_list()
    report = asdict(found.report)
    quality = {
        "n_duplicates": report["n_by_verdict"]["duplicate"],
        "n_rule_breakers": report["n_rule_breakers"],
        "pairing": report,
        "quarantine": {"n": found.conflicted.len(), "trajectory_ids": named},
        "samples": _samples(source),
    }
    return Layer(source, columns, quality, found.conflicted)


LAYERS: dict[str, Builder] = {"pretrain": _corpus, "sft": _samples_to_imitate, "orpo": _pairs}
"""By the type of the dataset."""


def _origin() -> tuple[pl.Expr, ...]:
    return (
        _id("trajectory_id"),
        _id("user_id"),
        pl.col("trace_id"),
        pl.col("decided_at").dt.strftime(TIME_TEXT),
        pl.col("market_regime"),
    )


def _id(name: str) -> pl.Expr:
    """An id as UUIDs are written."""
    text = pl.col(name).str
    cuts = [text.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.concat_str(cuts, separator="-").alias(name)


def _both(pairs: pl.DataFrame) -> pl.Series:
    return pl.concat([pairs["chosen_id"], pairs["rejected_id"].rename("chosen_id")]).unique()


def _nobody() -> pl.Series:
    return pl.Series("trajectory_id", [], pl.String)


def _samples(rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "by_split": dict(rows.group_by("split").len().sort("split").iter_rows()),
        "by_regime": shares(rows, "market_regime"),
        "by_class": shares(rows, "direction"),
    }


def _as_json(value: Any) -> Any:  # noqa: ANN401 - any report
    """The report as JSON holds it: no NaN, tuples as lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return value
