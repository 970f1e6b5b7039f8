"""What the online tests must say, as checks of the package or of a mutant of it: `g` holds every name of the gates."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pawl.errors import CorruptArtifactError, InputError, NotFoundError, RefusalError

DAY1 = datetime(2026, 1, 1, tzinfo=UTC)
MEANS = (3.0, -5.0, 14.0, 6.0, 2.0, 25.0, 3.0, -4.0, 4.0, 5.0, 9.0, 31.0)
WEEK = timedelta(days=7)


def the_first_look(g: SimpleNamespace) -> None:
    """Nothing is said before ten blocks, nor of blocks that do not vary."""
    settings = g.SequenceSettings()
    for n in range(10):
        look = g.sequence_of(MEANS[:n]).look(settings)
        assert (look.n_blocks, look.low_bps, look.is_better) == (n, -math.inf, False)
        assert look.to_json()["low"] is None and look.to_json()["blocks"] == n
    assert (
        math.isnan(g.EMPTY_SEQUENCE.look(settings).mean_bps)
        and g.EMPTY_SEQUENCE.look(settings).to_json()["mean"] is None
    )
    assert math.isfinite(g.sequence_of(MEANS[:10]).look(settings).low_bps)
    for same in (0.0, 5.0, -5.0, 0.1, 1e9 / 3):
        assert g.sequence_of([same] * 20).look(settings).low_bps == -math.inf
    assert math.isfinite(g.sequence_of([1e-14 * each for each in MEANS]).look(settings).low_bps)
    assert g.Look(n_blocks=12, mean_bps=1.5, low_bps=0.5).to_json() == {"mean": 1.5, "low": 0.5, "blocks": 12}
    assert not g.Look(n_blocks=12, mean_bps=1.0, low_bps=0.0).is_better
    assert g.Look(n_blocks=12, mean_bps=1.0, low_bps=5e-324).is_better


def the_bound(g: SimpleNamespace) -> None:
    """low = mean − t s / √n, where t is what makes the evidence 1 / (2 · 0.9 α) exactly; written out once more."""
    for rate, rho, means in ((0.05, 0.45, MEANS), (0.01, 0.3, MEANS), (0.05, 0.45, [-each for each in MEANS])):
        settings = g.SequenceSettings(error_rate=rate, tuned_gain=rho)
        look = g.sequence_of(means).look(settings)
        n, s = len(means), float(np.std(means, ddof=1))
        assert look.mean_bps == pytest.approx(np.mean(means))
        t, spread = (look.mean_bps - look.low_bps) / (s / math.sqrt(n)), 1 + n * rho**2
        odds = ((1 + t**2 / (n - 1)) / (1 + t**2 / ((n - 1) * spread))) ** (n / 2) / math.sqrt(spread)
        assert odds == pytest.approx(1 / (2 * 0.9 * rate)) and look.low_bps < look.mean_bps
        evidence = g.log_evidence(np.array([t]), np.array([n]), settings)
        assert float(np.exp(evidence[0])) == pytest.approx(odds)
    tight = g.critical_t(np.array([9, 10, 11]), g.SequenceSettings())
    assert [math.isfinite(value) for value in tight] == [False, True, True]
    # So little is expected of a block that ten of them can prove nothing.
    assert math.isinf(g.critical_t(np.array([10]), g.SequenceSettings(tuned_gain=0.1))[0])


def a_state_is_kept(g: SimpleNamespace) -> None:
    """Stored after every block and read back, it says the same to the bit; a damaged one is refused."""
    state = g.EMPTY_SEQUENCE
    for mean in MEANS:
        state = g.PairedSequence.from_json(json.loads(json.dumps(state.with_block(mean).to_json())))
    assert state == g.sequence_of(MEANS)
    good = state.to_json()
    for bad in ({**good, "squares": -1.0}, {**good, "squares": math.inf}, {**good, "mean": math.nan}, {"mean": 1.0},
                {**good, "mean": "x"}, {**good, "mean": None},
                {**good, "n_blocks": -1}, {**good, "more": 1}):  # fmt: skip
        with pytest.raises(CorruptArtifactError):
            g.PairedSequence.from_json(bad)
    assert g.PairedSequence.from_json(g.EMPTY_SEQUENCE.to_json()) == g.EMPTY_SEQUENCE
    for bad_mean in (math.nan, math.inf):
        with pytest.raises(InputError):
            state.with_block(bad_mean)


def the_bet(g: SimpleNamespace) -> None:
    """The purse, written out once more; it decides at 1 / α and never before ten blocks."""
    gains = [0.4, -0.1, 0.3, 0.5, 0.2, 0.1, 0.6, 0.3, -0.2, 0.4]
    purse = np.mean([math.prod(1 + stake * gain for gain in gains) for stake in g.STAKES])
    bet = g.bet_on(gains)
    assert bet.evidence == pytest.approx(purse) and bet.mean == pytest.approx(np.mean(gains)) and bet.n_blocks == 10
    settings = g.SequenceSettings(error_rate=0.2)
    assert not g.bet_on([0.9] * 9).is_better(settings) and g.bet_on([0.9] * 10).is_better(settings)
    edge = math.log(5.0)
    for log, decides in ((edge + 1e-9, True), (edge - 1e-9, False)):
        same = g.WinLossBet(n_blocks=10, mean=0.1, log_purses=(log,) * len(g.STAKES))
        assert same.is_better(settings) is decides
    eight = g.WinLossBet(n_blocks=10, mean=0.1, log_purses=(0.0,) * len(g.STAKES))
    assert g.WinLossBet.is_better(eight, g.SequenceSettings.model_construct(min_blocks=10, error_rate=1.0))
    assert g.bet_on([1.0] * 2000).evidence == math.inf and g.bet_on([1.0] * 2000).is_better(settings)
    for edge_gain in (1.0, -1.0):
        assert g.bet_on([edge_gain]).evidence > 0.0
    for bad in (1.01, -1.01, math.nan):
        with pytest.raises(InputError):
            bet.with_block(bad)
    assert g.WinLossBet.from_json(json.loads(json.dumps(bet.to_json()))) == bet
    stored = bet.to_json()
    assert g.WinLossBet.from_json({**stored, "n_blocks": 0}).n_blocks == 0
    for damaged in ({**stored, "n_blocks": -1}, {**stored, "mean": "x"}, {**stored, "log_purses": [1.0]},
                    {**stored, "n_blocks": 1.5}, {**stored, "log_purses": None}, {**stored, "log_purses": ["x"] * 6},
                    {}):  # fmt: skip
        with pytest.raises(CorruptArtifactError):
            g.WinLossBet.from_json(damaged)


def the_blocks(g: SimpleNamespace) -> None:
    """Whole days from the first midnight, as long as asked for; what overlaps or is unfinished is not looked at."""

    def blocks(hours: float, entered: datetime = DAY1, **settings: int) -> Any:
        return g.day_blocks(entered, timedelta(hours=hours), g.SequenceSettings(**settings))

    lengths = [blocks(hours).days for hours in (0.25, 6, 6.01, 12, 24, 240)]
    assert lengths == [1, 1, 2, 2, 4, 40]
    assert blocks(12, block_horizons=2, gap_horizons=1).days == 2
    assert blocks(6, DAY1 + timedelta(seconds=1)).start == DAY1 + timedelta(days=1)
    assert blocks(6).block_of(DAY1) == 0
    assert blocks(6).start == DAY1 and blocks(6).gap == timedelta(0)
    for bad in (0.0, -1.0):
        with pytest.raises(InputError):
            blocks(bad)
    with pytest.raises(InputError):
        blocks(6, DAY1.replace(tzinfo=None))

    gapped = blocks(8, block_horizons=2, gap_horizons=1)
    hours = [timedelta(hours=hour) for hour in (-1, 0, 7.99, 8, 23.99, 24, 31.99, 32)]
    assert [gapped.block_of(DAY1 + each) for each in hours] == [None, None, None, 0, 0, None, None, 1]
    at = [timedelta(days=1, hours=hour) for hour in (7.99, 8, 31.99, 32)]
    assert [gapped.n_complete(DAY1 + each) for each in (*at, timedelta(-9))] == [0, 1, 1, 2, 0]

    one = blocks(6)
    times = [DAY1 + timedelta(hours=hour) for hour in (-1, 1, 23, 25, 73, 97)]
    gains = np.array([100.0, 1.0, 3.0, 7.0, 9.0, 11.0])
    means = [g.block_means(one, times, gains, DAY1 + timedelta(hours=hour)).tolist() for hour in (29, 30, 54, 102, 126)]
    assert means == [[], [2.0], [2.0, 7.0], [2.0, 7.0, 9.0], [2.0, 7.0, 9.0, 11.0]]
    gains[3] = math.nan
    assert g.block_means(one, times, gains, DAY1 + WEEK).tolist() == [2.0]
    gains[3] = math.inf
    with pytest.raises(InputError):
        g.block_means(one, times, gains, DAY1 + WEEK)
    with pytest.raises(InputError):
        g.block_means(one, times[1:], gains[:1], DAY1 + WEEK)


def settings_have_floors(g: SimpleNamespace) -> None:
    """Four horizons and ten blocks, or more; two horizons only with one dropped between."""
    for fine in ({}, {"block_horizons": 4}, {"block_horizons": 2, "gap_horizons": 1}, {"min_blocks": 11}):
        g.SequenceSettings(**fine)
    for bad in ({"block_horizons": 3}, {"block_horizons": 1, "gap_horizons": 1}, {"min_blocks": 9},
                {"block_horizons": 2}, {"gap_horizons": -1}):  # fmt: skip
        with pytest.raises(ValueError, match=r"block_horizons|min_blocks|gap_horizons"):
            g.SequenceSettings(**bad)
    found = g.SequenceSettings()
    assert (found.error_rate, found.min_blocks, found.tuned_gain) == (0.05, 10, 0.5)
    assert (found.block_horizons, found.gap_horizons) == (4, 0)


def ab_test(g: SimpleNamespace, split: float = 0.5) -> Any:
    return g.AbTest(test_id="t-1", model_a="reversal-3.2", model_b="reversal-3.3", traffic_split=split,
                    started_at=DAY1, ends_at=DAY1 + WEEK)  # fmt: skip


def a_test_is_decided_once(g: SimpleNamespace) -> None:
    """At its end; both arms need their minimum; the one with the higher rate wins, where they differ."""
    settings, end = g.AbSettings(), DAY1 + WEEK
    with pytest.raises(RefusalError, match="runs until 2026-01-08 00:00 UTC"):
        g.decide(ab_test(g), g.AbCounts(90, 100), g.AbCounts(10, 100), settings, end - timedelta(microseconds=1))

    def winner(a: tuple[int, int], b: tuple[int, int]) -> str:
        found = g.decide(ab_test(g), g.AbCounts(*a), g.AbCounts(*b), settings, end)
        rates = [each[0] / each[1] if each[1] else None for each in (a, b)]
        assert [found.win_rate_a, found.win_rate_b] == rates
        assert found.is_significant is (found.winner is not g.Winner.TIE)
        assert found.p_value == g.two_proportion_p(g.AbCounts(*a), g.AbCounts(*b))
        return str(found.winner.value)

    assert winner((5, 30), (25, 30)) == "model_b" and winner((25, 30), (5, 30)) == "model_a"
    assert winner((5, 29), (25, 30)) == "tie" and winner((5, 30), (25, 29)) == "tie"
    assert winner((50, 100), (65, 100)) == "model_b" and winner((50, 100), (63, 100)) == "tie"  # p 0.032, 0.064
    assert winner((300, 1000), (20, 40)) == "model_b"  # fewer wins, but a higher rate
    assert winner((0, 50), (0, 50)) == "tie" and winner((50, 50), (40, 40)) == "tie"
    assert winner((0, 0), (9, 100)) == "tie" and winner((0, 0), (0, 0)) == "tie"
    found = g.decide(ab_test(g), g.AbCounts(5, 29), g.AbCounts(25, 30), settings, end)
    assert "29 of at least 30" in found.reason and found.p_value < 0.05
    strict = g.AbSettings(significance=g.two_proportion_p(g.AbCounts(50, 100), g.AbCounts(65, 100)))
    assert g.decide(ab_test(g), g.AbCounts(50, 100), g.AbCounts(65, 100), strict, end).winner is g.Winner.TIE
    assert "do not differ (p 0.0" in g.decide(ab_test(g), g.AbCounts(50, 100), g.AbCounts(65, 100), strict, end).reason
    assert "model_b wins" in g.decide(ab_test(g), g.AbCounts(50, 100), g.AbCounts(65, 100), settings, end).reason


def p_values(g: SimpleNamespace) -> None:
    """Against figures of another program (scipy's normal distribution, pooled variance)."""
    for a, b, p in (((50, 100), (65, 100), 0.03191), ((33, 71), (59, 97), 0.06498), ((1, 40), (9, 50), 0.02007)):
        assert round(g.two_proportion_p(g.AbCounts(*a), g.AbCounts(*b)), 5) == p
        assert g.two_proportion_p(g.AbCounts(*b), g.AbCounts(*a)) == g.two_proportion_p(g.AbCounts(*a), g.AbCounts(*b))
    assert g.two_proportion_p(g.AbCounts(0, 0), g.AbCounts(1, 2)) is None
    assert g.two_proportion_p(g.AbCounts(1, 2), g.AbCounts(0, 0)) is None
    for bad in ((3, 2), (-1, 2)):
        with pytest.raises(InputError):
            g.AbCounts(*bad)
    g.AbCounts(2, 2)


def an_earlier_test_is_closed(g: SimpleNamespace) -> None:
    """Stopped while it runs; completed, to be decided, once its end has come."""
    assert g.close_earlier(None, DAY1) is None
    before = g.close_earlier(ab_test(g), DAY1 + WEEK - timedelta(microseconds=1))
    after = g.close_earlier(ab_test(g), DAY1 + WEEK)
    assert [(each.test_id, each.status) for each in (before, after)] == [("t-1", "stopped"), ("t-1", "completed")]
    good = {
        "test_id": "t",
        "model_a": "a",
        "model_b": "b",
        "traffic_split": 0.5,
        "started_at": DAY1,
        "ends_at": DAY1 + WEEK,
    }
    for bad in ({"model_b": "a"}, {"traffic_split": 1.1}, {"traffic_split": -0.1}, {"ends_at": DAY1}):
        with pytest.raises(InputError):
            g.AbTest(**{**good, **bad})
    for edge in (0.0, 1.0):
        g.AbTest(**{**good, "traffic_split": edge})


def routing(g: SimpleNamespace) -> None:
    """Stable, nested, as large as asked for; a position stays with its version; A gets its split."""
    users = [f"user-{number}" for number in range(2000)]
    acting = {share: [g.route("a", "b", share, user).acting for user in users] for share in (0.0, 0.05, 0.2, 1.0)}
    chosen = {
        share: {user for user, who in zip(users, found, strict=True) if who == "b"} for share, found in acting.items()
    }
    assert (len(chosen[0.0]), len(chosen[1.0])) == (0, 2000)
    assert 60 < len(chosen[0.05]) < 140 and 330 < len(chosen[0.2]) < 470
    assert all(small <= large for small, large in pairwise(chosen.values()))
    assert chosen[0.2] != {user for user in users if g.route("a", "c", 0.2, user).acting == "c"}
    for share, opened in ((1.0, "a"), (0.0, "b")):
        held = g.route("a", "b", share, "user-1", opened_by=opened)
        assert held.acting == opened and held.shadows == ({"a": "b", "b": "a"}[opened],)
    assert g.route("a", "b", 1.0, "u", opened_by="older").shadows == ("a", "b")
    assert g.order_of(g.route("a", "b", 0.0, "u"), {"a": 1, "b": 2}) == 1
    assert g.order_of(g.route("a", "b", 0.0, "u"), {"b": 2}) is None
    for bad in (-0.01, 1.01, math.nan):
        with pytest.raises(InputError):
            g.route("a", "b", bad, "u")
    assert g.place_of("x", "ab", "c") != g.place_of("x", "a", "bc")
    assert g.place_of("m002-1.4", "user-7") == 0.0 or 0.0 <= g.place_of("m002-1.4", "user-7") < 1.0
    bars = [DAY1 + timedelta(minutes=15 * number) for number in range(1000)]
    arms = [g.arm_of(ab_test(g, 0.3), "EURUSD", "15m", bar) for bar in bars]
    assert 250 < arms.count("reversal-3.2") < 350
    assert {g.arm_of(ab_test(g, 0.0), "EURUSD", "15m", bar) for bar in bars} == {"reversal-3.3"}
    assert {g.arm_of(ab_test(g, 1.0), "EURUSD", "15m", bar) for bar in bars} == {"reversal-3.2"}


def who_decides(g: SimpleNamespace) -> None:
    """The arm of a running test, else the active version, else nobody."""
    test = ab_test(g)
    for active in ("reversal-3.2", None):
        found = g.decider_of(test, active, "EURUSD", "15m", DAY1)
        assert (found.version, found.ab_test_id) == (g.arm_of(test, "EURUSD", "15m", DAY1), "t-1")
    alone = g.decider_of(None, "reversal-3.2", "EURUSD", "15m", DAY1)
    assert (alone.version, alone.ab_test_id) == ("reversal-3.2", None)
    with pytest.raises(NotFoundError, match="no version is active"):
        g.decider_of(None, None, "EURUSD", "15m", DAY1)


CHECKS: tuple[Callable[[SimpleNamespace], None], ...] = (
    the_first_look, the_bound, a_state_is_kept, the_bet, the_blocks, settings_have_floors, a_test_is_decided_once,
    p_values, an_earlier_test_is_closed, routing, who_decides,
)  # fmt: skip
