"""What a model reads and what it should answer: prompt and response of a decision, as JSON texts of a fixed form."""

import polars as pl

__all__ = ["NO_CONFIDENCE", "prompt_text", "response_text"]

NO_CONFIDENCE = 0.5
"""The confidence of an answer that nobody gave one for: what a user decided against, or without, a recommendation."""

WHOLE_PCT = 100.0


def prompt_text() -> pl.Expr:
    """The market as it was known before the decision: a sentence under `text`, and the figures it is made of.

    No user, no instant, no price, and nothing of what was decided. Columns: as `finished_rows` gives them.

    >>> row = pl.DataFrame({"ticker": "BTCUSDT", "market_regime": "up_low", "session_band": "asia", "volatility": 0.01,
    ...     "funding": 0.0001, "oi_change": 0.02, "stretch": -1.0, "horizon_sec": 86400})
    >>> print(row.select(prompt_text()).item().split("BTCUSDT, ")[1])
    up_low market in the asia session. Volatility 1.000 % an hour, funding 0.0100 %, open interest 2.00 %, \
stretch -1.00. Horizon 24 h.","ticker":"BTCUSDT"}
    """
    sentence = pl.concat_str(
        "ticker",
        pl.lit(", "),
        pl.col("market_regime").fill_null("unknown"),
        pl.lit(" market in the "),
        pl.col("session_band").fill_null("unknown"),
        pl.lit(" session. Volatility "),
        _figure(pl.col("volatility") * WHOLE_PCT, 3),
        pl.lit(" % an hour, funding "),
        _figure(pl.col("funding") * WHOLE_PCT, 4),
        pl.lit(" %, open interest "),
        _figure(pl.col("oi_change") * WHOLE_PCT, 2),
        pl.lit(" %, stretch "),
        _figure(pl.col("stretch"), 2),
        pl.lit(". Horizon "),
        (pl.col("horizon_sec") // 3600).cast(pl.String),
        pl.lit(" h."),
    )
    context = pl.struct("funding", "market_regime", "oi_change", "session_band", "stretch", "volatility")
    return pl.struct(
        context.alias("context"), "horizon_sec", sentence.alias("text"), "ticker"
    ).struct.json_encode().alias("prompt")  # fmt: skip


def response_text() -> pl.Expr:
    """What was done, as the contract of plans writes it (policy/plan.py), at the market.

    confidence and levels of profit are those of the recommendation where it was followed. Distances to a tenth of a
    bps, shares to a hundredth: what differs by less is one answer.
    """
    is_followed = pl.col("followed").fill_null(value=False)
    levels = pl.when(is_followed).then("tp_bps").otherwise(pl.lit([], dtype=pl.List(pl.Float64)))
    # Floored, so that the shares never sum to more than the whole.
    each = (WHOLE_PCT / pl.len().cast(pl.Float64) * WHOLE_PCT).floor() / WHOLE_PCT
    plan = pl.struct(
        pl.when(is_followed).then(pl.col("confidence")).fill_null(NO_CONFIDENCE).round(2).alias("confidence"),
        "direction",
        pl.struct(split=pl.lit(1), zone=pl.lit([0.0, 0.0])).alias("entry_plan"),
        pl.lit([], dtype=pl.List(pl.String)).alias("invalidators"),
        pl.lit("").alias("rationale"),
        pl.struct(max_position_pct=pl.col("size_pct").round(2), sl_bps=pl.col("sl_bps").round(1)).alias("risk_plan"),
        levels.list.eval(
            pl.struct(level=pl.int_range(1, pl.len() + 1), size_pct=each, tp_bps=pl.element().round(1))
        ).alias("tp_plan"),
    )
    return plan.struct.json_encode().alias("response")


def _figure(value: pl.Expr, decimals: int) -> pl.Expr:
    """The number with its decimals, `unknown` where it is none. By way of integers, which print alike everywhere."""
    scaled = (value.abs() * 10**decimals).round().cast(pl.Int64, strict=False)
    whole, part = scaled // 10**decimals, scaled % 10**decimals
    sign = pl.when((value < 0) & (scaled > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    text = pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), part.cast(pl.String).str.zfill(decimals))
    return pl.when(value.is_finite()).then(text).fill_null("unknown")
