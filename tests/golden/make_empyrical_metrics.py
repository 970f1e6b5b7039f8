"""Writes empyrical_metrics.json: what empyrical and quantstats say of seeded returns.

Run it in a virtual environment of its own (neither is a dependency of Pawl):

    python3 -m venv /tmp/empyrical && /tmp/empyrical/bin/pip install empyrical-reloaded==0.7.1 quantstats==0.0.86
    /tmp/empyrical/bin/python tests/golden/make_empyrical_metrics.py

Conventions that differ: their drawdowns are negative; quantstats' win rate leaves zeros out (the series hold none), and
its probabilistic Sharpe ratio corrects skewness and kurtosis for the sample's size, which the paper does not.
"""

import json
from pathlib import Path

import numpy as np

BARS_PER_YEAR = 252


def cases(rng: np.random.Generator) -> dict[str, list[float]]:
    """Returns a bar, as fractions."""
    return {
        "calm": [round(value, 6) for value in rng.normal(0.0004, 0.01, 500)],
        "fat-tailed": [round(value, 6) for value in 0.01 * rng.standard_t(3, 700).clip(-20, 20)],
        "losing": [round(value, 6) for value in rng.normal(-0.002, 0.015, 120)],
        "short": [0.01, -0.02, 0.015, 0.002, -0.004],
    }


def measured(returns: list[float]) -> dict[str, float]:
    """The figures of both libraries."""
    import empyrical
    import pandas as pd
    import quantstats.stats as qs

    series = pd.Series(returns, index=pd.date_range("2020-01-01", periods=len(returns), freq="D"))
    return {
        "net_return": float(empyrical.cum_returns_final(series)),
        "max_drawdown": -float(empyrical.max_drawdown(series)),
        "sharpe": float(empyrical.sharpe_ratio(series, annualization=BARS_PER_YEAR)),
        "sortino": float(empyrical.sortino_ratio(series, annualization=BARS_PER_YEAR)),
        "profit_factor": float(qs.profit_factor(series, prepare_returns=False)),
        "hit_rate": float(qs.win_rate(series, prepare_returns=False)),
        "probabilistic_sharpe": float(qs.probabilistic_ratio(series, base="sharpe", periods=1)),
    }


def main() -> None:
    """Write the file beside this script."""
    import empyrical
    import quantstats

    golden = {
        "made_by": f"make_empyrical_metrics.py, empyrical {empyrical.__version__}, quantstats {quantstats.__version__}",
        "bars_per_year": BARS_PER_YEAR,
        "cases": [
            {"name": name, "returns": returns, "metrics": measured(returns)}
            for name, returns in cases(np.random.default_rng(5)).items()
        ],
    }
    path = Path(__file__).with_name("empyrical_metrics.json")
    path.write_text(json.dumps(golden).replace("}, {", "},\n{") + "\n", encoding="utf-8")
    print(path.name, golden["cases"][0]["metrics"])


if __name__ == "__main__":
    main()
