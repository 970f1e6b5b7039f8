"""The compiled kernel against a slow one that was written apart from it, and against accounts kept by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.evaluation.kernel import Panel, run
from pawl.policy.machine import ExitReason, TradeRules

Row = tuple[float, float, float, float, float, float]  # open, high, low, close, order, funding


@dataclass
class SlowTrader:
    """One account in plain Python: it keeps fills, and works everything out from them."""

    rules: TradeRules
    cost: float
    cash: float = 1.0
    units: float = 0.0
    share: float = 0.0
    entry: float = 0.0
    peak: float = 0.0
    age: int = 0
    worth_before: float = 0.0
    fills: list[tuple[float, float]] = field(default_factory=list)
    first_row: int = -1
    trades: list[tuple[int, int, float, float, float, float, str]] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    exposures: list[float] = field(default_factory=list)
    traded: list[float] = field(default_factory=list)
    moved: float = 0.0
    is_ruined: bool = False
    first_share: float = 0.0

    def worth(self, price: float) -> float:
        return self.cash + self.units * price

    def fill(self, units: float, price: float) -> None:
        self.cash -= units * price + abs(units) * price * self.cost
        self.units += units
        self.moved += abs(units) * price
        self.fills.append((units, price))

    def take(self, share: float, row: int, price: float) -> None:
        if self.share == 0:
            self.worth_before, self.first_row, self.fills = self.worth(price), row, []
            self.entry = self.peak = price
            self.age = 0
        self.fill(share * self.worth(price) / price - self.units, price)
        self.share = share

    def leave(self, row: int, price: float, reason: str) -> None:
        first = self.fills[0][0]
        self.fill(-self.units, price)
        self.units = 0.0
        into = [(abs(u), p) for u, p in self.fills if u * first > 0]
        out = [(abs(u), p) for u, p in self.fills if u * first <= 0]
        paid = sum(u * p for u, p in into)
        self.trades.append(
            (
                self.first_row,
                row,
                self.first_share,
                paid / sum(u for u, _ in into),
                sum(u * p for u, p in out) / sum(u for u, _ in out),
                1e4 * (self.cash - self.worth_before) / paid,
                reason,
            )
        )
        self.share = 0.0
        self.is_ruined = self.cash <= 0

    def levels(self) -> tuple[float, str, float]:
        """Stop price, whose it is, target price."""
        none = float("inf")
        rules = self.rules
        if self.share > 0:
            fixed = self.entry * (1 - rules.stop) if rules.stop else -none
            trailing = self.peak * (1 - rules.trailing) if rules.trailing else -none
            target = self.entry * (1 + rules.target) if rules.target else none
            return max(fixed, trailing), ("TRAILING" if trailing > fixed else "STOP"), target
        fixed = self.entry * (1 + rules.stop) if rules.stop else none
        trailing = self.peak * (1 + rules.trailing) if rules.trailing else none
        target = self.entry * (1 - rules.target) if rules.target else -none
        return min(fixed, trailing), ("TRAILING" if trailing < fixed else "STOP"), target

    def leave_at_open(self, row: int, price: float, order: float) -> str | None:
        """Why the held position leaves at the open, if it does."""
        if self.worth(price) <= 0:
            return "RUIN"
        stop, whose, target = self.levels()
        is_long = self.share > 0
        if (price <= stop) if is_long else (price >= stop):
            return whose
        if (price >= target) if is_long else (price <= target):
            return "TARGET"
        if order == 0 or (order > 0) != is_long:
            return "DECISION"
        return "TIME" if self.rules.max_bars and self.age >= self.rules.max_bars else None

    def open_bar(self, row: int, price: float, order: float) -> None:
        was = self.share
        if was:
            why = self.leave_at_open(row, price, order)
            if why:
                self.leave(row, price, why)
                if self.is_ruined or why == "RUIN":
                    self.is_ruined = True
                    return
                if was * order >= 0:
                    return
        if order and order != self.share:
            if self.share == 0:
                self.first_share = order
            self.take(order, row, price)

    def rest_of_bar(self, row: int, bar: Row, is_last: bool) -> None:
        _, high, low, close, _, rate = bar
        if not self.share:
            return
        stop, whose, target = self.levels()
        is_long = self.share > 0
        at: tuple[float, str] | None = None
        if (low <= stop) if is_long else (high >= stop):
            at = (stop, whose)
        elif (high >= target) if is_long else (low <= target):
            at = (target, "TARGET")
        if at:
            self.cash -= max(0.0, self.units * at[0] * rate)
        else:
            self.cash -= self.units * close * rate
            self.age += 1
            self.peak = max(self.peak, high) if is_long else min(self.peak, low)
            if self.worth(close) <= 0:
                at = (close, "RUIN")
            elif is_last:
                at = (close, "END")
        if at:
            self.leave(row, *at)

    def trade(self, bars: list[Row]) -> None:
        order, before = 0.0, 1.0
        for row, bar in enumerate(bars):
            self.moved = 0.0
            if self.is_ruined:
                self.note(0.0, 0.0, 0.0)
                continue
            self.open_bar(row, bar[0], order)
            if not self.is_ruined:
                self.rest_of_bar(row, bar, row == len(bars) - 1)
            if self.is_ruined:
                self.note(-1.0, 0.0, 0.0)
                continue
            worth = self.worth(bar[3])
            self.note(worth / before - 1, self.units * bar[3] / worth, self.moved / before)
            order, before = bar[4], worth

    def note(self, gained: float, exposure: float, moved: float) -> None:
        self.returns.append(gained)
        self.exposures.append(exposure)
        self.traded.append(moved)


def panel(bars: list[Row], starts: list[int] | None = None) -> Panel:
    columns = np.array(bars, dtype=np.float64).reshape(-1, 6).T
    return Panel(np.array(starts or [0, len(bars)]), *(np.ascontiguousarray(column) for column in columns))


# Prices on a coarse grid, so that levels are met exactly and orders of events are put to the test.
ticks = st.integers(70, 140).map(float)


@st.composite
def some_bars(draw: st.DrawFn) -> list[Row]:
    made: list[Row] = []
    order = 0.0
    for _ in range(draw(st.integers(1, 25))):
        prices = sorted(draw(st.lists(ticks, min_size=4, max_size=4)))
        opened, closed = draw(st.permutations(prices[1:3]))
        if draw(st.booleans()):
            order = draw(st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.25, 2.5, -3.0]))
        made.append((opened, prices[3], prices[0], closed, order, draw(st.sampled_from([0.0, 0.0, 0.01, -0.02]))))
    return made


fractions = st.sampled_from([None, 0.05, 0.1, 0.25])
some_rules = st.builds(
    TradeRules, stop=fractions, target=fractions, trailing=fractions, max_bars=st.sampled_from([None, 1, 3])
)


@settings(deadline=None, max_examples=400)
@given(some_bars(), some_rules, st.sampled_from([0.0, 0.001, 0.05]))
def test_the_kernel_trades_as_the_slow_trader_does(bars: list[Row], rules: TradeRules, cost: float) -> None:
    curves, log = run(panel(bars), rules.compiled(), cost)
    slow = SlowTrader(rules, cost)
    slow.trade(bars)
    found = list(zip(log.entry_row, log.exit_row, [ExitReason(reason).name for reason in log.reason], strict=True))
    assert found == [(first, last, why) for first, last, *_, why in slow.trades]
    for column, position in ((log.size, 2), (log.entry_price, 3), (log.exit_price, 4), (log.pnl_bps, 5)):
        assert column == pytest.approx([trade[position] for trade in slow.trades], rel=1e-9, abs=1e-6)
    assert curves.net_return == pytest.approx(slow.returns, rel=1e-9, abs=1e-12)
    assert curves.exposure == pytest.approx(slow.exposures, rel=1e-9, abs=1e-12)
    assert curves.traded == pytest.approx(slow.traded, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(some_bars(), some_bars(), some_rules)
def test_a_ticker_is_traded_as_if_it_were_alone(one: list[Row], two: list[Row], rules: TradeRules) -> None:
    both, log = run(panel(one + two, [0, len(one), len(one) + len(two)]), rules.compiled(), 0.001)
    first, log_one = run(panel(one), rules.compiled(), 0.001)
    second, log_two = run(panel(two), rules.compiled(), 0.001)
    for together, alone, other in zip(both, first, second, strict=True):
        assert together.tolist() == [*alone, *other]
    assert log.pnl_bps.tolist() == [*log_one.pnl_bps, *log_two.pnl_bps]
    assert log.entry_row.tolist() == [*log_one.entry_row, *(log_two.entry_row + len(one))]


@settings(deadline=None, max_examples=100)
@given(some_bars(), some_rules, st.integers(1, 24))
def test_no_return_changes_when_the_future_is_cut(bars: list[Row], rules: TradeRules, cut: int) -> None:
    whole, _ = run(panel(bars), rules.compiled(), 0.001)
    part, _ = run(panel(bars[:cut]), rules.compiled(), 0.001)
    n = min(cut, len(bars)) - 1  # the last bar of the shorter one closes what is held
    assert part.net_return[:n].tolist() == whole.net_return[:n].tolist()


def test_an_account_by_hand() -> None:
    """Buy 1 at 100 for 0.1 %, halve at 110, leave at 120: the fills, the cash, the trade."""
    bars: list[Row] = [
        (100, 100, 100, 100, 1.0, 0.0),
        (100, 110, 100, 110, 0.5, 0.0),
        (110, 120, 110, 120, 0.0, 0.0),
        (120, 120, 120, 120, 0.0, 0.0),
    ]
    curves, log = run(panel(bars), TradeRules().compiled(), 0.001)
    # Bar 1: 0.01 units for 1, cost 0.001; worth 0.999 + 0.1 at its close.
    assert curves.net_return[1] == pytest.approx(1.099 - 1)
    # Bar 2: half of 1.099 is 0.5495 or 0.0049954545 units; 0.0050045455 units are sold for 0.5505, cost 0.0005505.
    worth = -0.001 + 0.5505 - 0.0005505 + 0.0049954545454 * 120
    assert curves.net_return[2] == pytest.approx(worth / 1.099 - 1)
    # Bar 3: the rest goes at 120 for 0.5994545, cost 0.00059945.
    assert log.pnl_bps[0] == pytest.approx(1e4 * (worth - 0.00059945454 - 1) / 1.0)
    assert (log.entry_price[0], log.size[0]) == (100.0, 1.0)
    average = (0.0050045454545 * 110 + 0.0049954545454 * 120) / 0.01
    assert log.exit_price[0] == pytest.approx(average)
    assert ExitReason(log.reason[0]) is ExitReason.DECISION


def test_a_short_that_loses_everything_trades_no_more() -> None:
    bars: list[Row] = [
        (100, 100, 100, 100, -1.0, 0.0),
        (100, 250, 100, 250, -1.0, 0.0),
        (100, 100, 100, 100, 1.0, 0.0),
        (100, 200, 100, 200, 1.0, 0.0),
    ]
    curves, log = run(panel(bars), TradeRules().compiled(), 0.0)
    assert curves.net_return.tolist() == [0.0, -1.0, 0.0, 0.0]
    assert [ExitReason(reason).name for reason in log.reason] == ["RUIN"]


def test_funding_is_paid_by_longs_earned_by_shorts_and_never_earned_on_leaving() -> None:
    def paid(order: float, rate: float, low: float = 100.0, high: float = 100.0) -> float:
        bars: list[Row] = [(100, 100, 100, 100, order, 0.0), (100, high, low, 100, 0.0, rate), (100,) * 4 + (0.0, 0.0)]
        return float(run(panel(bars), TradeRules(stop=0.1).compiled(), 0.0)[0].net_return[1])

    assert paid(1.0, 0.01) == pytest.approx(-0.01)
    assert paid(-1.0, 0.01) == pytest.approx(0.01)
    assert paid(1.0, 0.01, low=80.0) == pytest.approx(-0.1 - 0.009)
    assert paid(1.0, -0.01, low=80.0) == pytest.approx(-0.1)
    assert paid(-1.0, 0.01, high=120.0) == pytest.approx(-0.1)


def test_no_bar_gives_nothing() -> None:
    curves, log = run(panel([], [0]), TradeRules().compiled(), 0.0)
    assert curves.net_return.size == log.reason.size == 0
