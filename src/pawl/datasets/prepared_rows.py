"""What all layers share: eligible rows on their side of the split, judged, and without a name of anybody in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pawl.datasets.documents import prompt_text, response_text
from pawl.datasets.eligibility import eligible_rows
from pawl.datasets.judged_rows import judged
from pawl.datasets.recipe import Recipe
from pawl.datasets.time_split import split_by_time
from pawl.ledger.column_types import utc_text
from pawl.ledger.redaction import redact_text

__all__ = ["TEXT_COLUMNS", "Prepared", "prepare", "shares"]

TEXT_COLUMNS = ("ticker", "market_regime", "session_band")
"""The texts that reach a prompt."""

ROWS_AT_ONCE = 50_000

HOUSE_TRACE = r"^u/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""A trace as the write paths name it, which cannot hold anything else."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """rows: both sides, in the order of their decisions, with prompt_hash and response_hash. quality: what became of
    the others, and what these are.
    """

    rows: pl.DataFrame
    quality: Mapping[str, Any]


def prepare(finished: pl.DataFrame, recipe: Recipe) -> Prepared:
    """The rows that a dataset may be made of. finished: as `finished_rows` gives them."""
    eligible = eligible_rows(finished, recipe.window)
    split = split_by_time(eligible.rows, recipe.settings.dataset)
    sides = split.rows.filter(pl.col("split").is_not_null())
    rows = judged(_redacted(sides), recipe.settings)
    # Equal texts have equal hashes; two of a million that differ share one with odds of 1 to 30 million.
    hashes = [
        text.hash().alias(f"{name}_hash") for name, text in (("prompt", prompt_text()), ("response", response_text()))
    ]
    # In slices: the texts of a million rows are larger than the rows.
    hashed = [part.select(hashes) for part in rows.iter_slices(ROWS_AT_ONCE)]
    rows = pl.concat([rows, pl.concat(hashed)], how="horizontal") if hashed else rows.with_columns(hashes)
    quality = {
        "n_finished": finished.height,
        "n_outside": eligible.n_outside,
        "n_later_information": eligible.n_later_information,
        "n_unfinished": eligible.n_unfinished,
        "split": {
            "boundary": None if split.boundary is None else utc_text(split.boundary),
            "gap_sec": split.gap_sec,
            "n_train": split.n_train,
            "n_eval": split.n_eval,
            "n_gap": split.n_gap,
        },
        "label_shares": shares(rows, "label_quality"),
        "class_shares": shares(rows, "direction"),
        "regime_shares": shares(rows, "market_regime"),
        "ambiguous_share": shares(rows, "label_quality").get("ambiguous", 0.0),
    }
    return Prepared(rows, quality)


def shares(rows: pl.DataFrame, column: str) -> dict[str, float]:
    """Value → its share of the rows, in the order of names; empty without rows.

    >>> shares(pl.DataFrame({"side": ["long", "short", "long", None]}), "side")
    {'long': 0.5, 'short': 0.25, 'unknown': 0.25}
    """
    counted = rows.group_by(pl.col(column).fill_null("unknown")).len().sort(column)
    return {name: n / rows.height for name, n in counted.iter_rows()}


def _redacted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with wallets and e-mail addresses taken out of every text. Writers redact too; what was written before
    they did must not reach a model either.
    """
    for column in TEXT_COLUMNS:
        rows = _replaced(rows, column, rows.get_column(column).drop_nulls().unique())
    traces = rows.get_column("trace_id")
    return _replaced(rows, "trace_id", traces.filter(~traces.str.contains(HOUSE_TRACE)).unique())


def _replaced(rows: pl.DataFrame, column: str, values: pl.Series) -> pl.DataFrame:
    clean = {value: redact_text(value) for value in values}
    changed = {value: text for value, text in clean.items() if value != text}
    return rows.with_columns(pl.col(column).replace(changed)) if changed else rows
