"""What triggers look at in the ledger, against rows that were planted."""

from datetime import timedelta

import pytest

from ledger_world import day
from live_market import BAR, CHALLENGER, SERVING, say, serve_first
from pawl.ledger.database import Ledger
from pawl.ledger.signals import SignalOutcome, resolve_signal, signal_id
from pawl.ledger.watched_rows import acted_holds, paired_signals, resolved_wins

START = day(5)


@pytest.fixture
def spoken(ledger: Ledger) -> Ledger:
    """Five bars: a win, a loss, one that expired, a hold, one that is open; and what a shadow said of the first two."""
    with ledger.transaction() as tx:
        serve_first(tx)
        for k, (signal, pnl) in enumerate(
            [("buy", 0.01), ("sell", -0.02), ("buy", None), ("hold", None), ("buy", None)]
        ):
            say(tx, START + k * BAR, signal, pnl)
        third = signal_id("EURUSD", "15m", START + 2 * BAR, SERVING)
        resolve_signal(tx, third, SignalOutcome(outcome="expired", pnl=0.0, source="virtual"), START + 9 * BAR)
        say(tx, START, "hold", version=CHALLENGER, is_shadow=True)
        say(tx, START + BAR, "buy", 0.005, version=CHALLENGER, is_shadow=True)
    return ledger


def test_wins_and_losses_alone_make_a_win_rate(spoken: Ledger) -> None:
    with spoken.reading() as tx:
        found = resolved_wins(tx, "tiny", START, START + timedelta(days=1))
        assert found["hit"].to_list() == [1.0, 0.0] and found["confidence"].to_list() == [0.6, 0.6]
        assert found["at"].to_list() == [START + 17 * BAR, START + 18 * BAR]
        assert resolved_wins(tx, "tiny", START + 17 * BAR, START + 18 * BAR)["hit"].to_list() == [0.0]
        assert resolved_wins(tx, "m002", START, START + timedelta(days=1)).is_empty()


def test_holds_are_those_of_versions_that_act(spoken: Ledger) -> None:
    with spoken.reading() as tx:
        found = acted_holds(tx, "tiny", START, START + 4 * BAR)
    assert found["is_hold"].to_list() == [0.0, 0.0, 0.0, 1.0]


def test_pairs_are_bars_that_both_decided_on(spoken: Ledger) -> None:
    """A hold earns nothing; what is not resolved by then is null."""
    with spoken.reading() as tx:
        found = paired_signals(tx, CHALLENGER, SERVING, START + timedelta(days=1))
        early = paired_signals(tx, CHALLENGER, SERVING, START + 17 * BAR)
    assert found["candidate_bps"].to_list() == pytest.approx([0.0, 50.0])
    assert found["stayed_bps"].to_list() == pytest.approx([100.0, -200.0])
    assert early["candidate_bps"].to_list() == [0.0, None] and early["stayed_bps"].to_list() == [
        pytest.approx(100.0),
        None,
    ]
