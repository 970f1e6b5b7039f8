"""A version's figures beside its baselines, to the letter."""

import math

from rich.console import Console

from pawl.reports.figures import figures_table


def test_only_metrics_that_somebody_has_are_printed_and_what_is_not_measured_is_a_dash() -> None:
    model = {"net_return": 0.123, "sharpe": math.nan, "unlisted": 1.0}
    table = figures_table("m002-1.0", model, {"linear": {"net_return": -0.05, "ece": 0.031}})
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(table)
    assert [line.split() for line in capture.get().splitlines()] == [
        ["m002-1.0", "linear"],
        ["net", "return", "12.3", "%", "−5.0", "%"],
        ["Sharpe", "–", "–"],
        ["ECE", "–", "0.031"],
    ]
