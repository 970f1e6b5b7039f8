"""Writes vectorbt_trades.json: what vectorbt trades on a seeded series, fill by fill.

Run it in a virtual environment of its own (vectorbt is no dependency of Pawl):

    python3 -m venv /tmp/vectorbt && /tmp/vectorbt/bin/pip install vectorbt==1.2.0
    /tmp/vectorbt/bin/python tests/golden/make_vectorbt_trades.py

The two engines agree on a gap through a stop or target (filled at the open), on the stop before the target, on the
re-entry at the next open, and on fees. Where their conventions differ, the series is built or the options are set so
that the difference cannot show:

- vectorbt trades on the bar of the signal: signals are shifted by one bar and filled at its open.
- vectorbt does not look at stops on the bar of the entry, and its trailing peak leaves that bar out; Pawl does both.
  Bars come in threes, one lively and two calm (four equal prices at the close before), and entries fall on calm bars.
- Where a stop and an order fall on one bar vectorbt takes the stop alone; Pawl fills the order at the open first, and a
  reversal still opens when the stop was passed at the open. Orders are filled on the second calm bar, where no stop is.
- vectorbt's trailing stop replaces the fixed one, so a case has one or the other.
- vectorbt's slippage moves the price, and not that of a stop; Pawl's is a cost of every notional. Costs are fees here.
- vectorbt leaves a position open at the end; the signals end flat.
"""

import json
from pathlib import Path

import numpy as np

N_BARS = 1500
FEE = 0.0007
CASES = (
    {"stop": 0.02, "target": 0.03},
    {"trailing": 0.02, "target": 0.05},
    {"stop": 0.015},
    {"trailing": 0.012},
    {"target": 0.02},
    {},
)


def series(rng: np.random.Generator) -> dict[str, list[float]]:
    """Bars in threes: lively with a gap, calm, calm."""
    rows, close = [], 100.0
    for at in range(N_BARS):
        if at % 3:
            rows.append((close, close, close, close))
            continue
        opened = close * (1 + rng.normal(0, 0.006) * (rng.random() < 0.5))
        after = opened * (1 + rng.normal(0, 0.009))
        high = max(opened, after) * (1 + abs(rng.normal(0, 0.004)))
        low = min(opened, after) * (1 - abs(rng.normal(0, 0.004)))
        rows.append(tuple(round(price, 4) for price in (opened, high, low, after)))
        close = rows[-1][3]
    names = ("open", "high", "low", "close")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def sides(rng: np.random.Generator) -> list[int]:
    """The side decided at every close; it changes at the close of first calm bars only, and ends flat."""
    decided, side = [], 0
    for at in range(N_BARS):
        if at % 3 == 1 and rng.random() < 0.25:
            side = int(rng.integers(-1, 2))
        decided.append(side if at < N_BARS - 10 else 0)
    return decided


def trades(bars: dict[str, list[float]], decided: list[int], rules: dict[str, float]) -> list[dict[str, object]]:
    """The closed trades of vectorbt, in order."""
    import pandas as pd
    import vectorbt as vbt

    frame = pd.DataFrame(bars)
    order = pd.Series(decided).shift(1, fill_value=0)
    done = vbt.Portfolio.from_signals(
        frame["close"],
        entries=order > 0,
        exits=order <= 0,
        short_entries=order < 0,
        short_exits=order >= 0,
        price=frame["open"],
        open=frame["open"],
        high=frame["high"],
        low=frame["low"],
        size=100.0,
        size_type="value",
        init_cash=1e6,
        fees=FEE,
        sl_stop=rules.get("stop", rules.get("trailing", np.nan)),
        sl_trail="trailing" in rules,
        tp_stop=rules.get("target", np.nan),
        stop_entry_price="fillprice",
        upon_opposite_entry="reverse",
    )
    columns = {
        "entry": done.trades.values["entry_idx"],
        "exit": done.trades.values["exit_idx"],
        "side": np.where(done.trades.values["direction"] == 0, "long", "short"),
        "entry_price": done.trades.values["entry_price"],
        "exit_price": done.trades.values["exit_price"],
        "pnl_bps": done.trades.values["return"] * 1e4,
    }
    return [
        {name: value.item() for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def main() -> None:
    """Write the file beside this script."""
    import vectorbt

    rng = np.random.default_rng(3)
    bars, decided = series(rng), sides(rng)
    golden = {
        "made_by": f"make_vectorbt_trades.py, vectorbt {vectorbt.__version__}",
        "fee": FEE,
        "bars": bars,
        "sides": decided,
        "cases": [{"rules": rules, "trades": trades(bars, decided, rules)} for rules in CASES],
    }
    path = Path(__file__).with_name("vectorbt_trades.json")
    path.write_text(json.dumps(golden).replace("}, {", "},\n{") + "\n", encoding="utf-8")
    print(path.name, [len(case["trades"]) for case in golden["cases"]])


if __name__ == "__main__":
    main()
