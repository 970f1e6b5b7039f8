"""What the events of the loop say to a person."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from discord_server import DiscordServer
from ledger_world import START, fill_user_tables, promoted
from loop_events import alert, alias_move, bars, event, outcome, prediction, report, training
from pawl.errors import InputError
from pawl.events.bus import Event
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.events.notice_settings import NoticeSettings, notice_urls
from pawl.events.notice_texts import NOTICED_TOPICS, notice_of, notifying
from pawl.events.notices import Notices
from pawl.events.relay import Relay
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.loop_outbox import announce, mark_published, unpublished
from pawl.ledger.loop_payloads import LoopPayload
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.train_jobs import STOPPED

SETTINGS = EventSettings(poll_sec=0.05, backoff_base_sec=0.01, backoff_max_sec=0.05)


@pytest.mark.parametrize("signal", ["buy", "sell", "hold"])
def test_rev_r6_only_a_signal_that_is_no_hold_is_told(signal: str) -> None:
    told = notice_of(event(prediction(1, signal)))
    assert (told is None) == (signal == "hold")
    if told is not None:
        assert (told.kind, told.title, told.at) == ("signal", f"{signal.upper()} EURUSD", START)
        assert told.body == "confidence 75%, 15m bar of 2024-01-01 00:15 UTC, reversal v3.2"


def test_rev_r6_a_signal_is_told_with_what_a_trade_on_it_has_to_name() -> None:
    named = prediction(1).model_copy(update={"inference_id": identity("inference", 1)})
    told = notice_of(event(named))
    assert told is not None
    assert told.body.endswith(f"UTC, reversal v3.2. To trade on it: inference_id {identity('inference', 1)}")


def test_a_training_is_told_whether_it_ended_well_or_not() -> None:
    done, failed = notice_of(event(training(1))), notice_of(event(training(2, "failed")))
    assert done is not None
    assert failed is not None
    assert (done.kind, done.title) == ("training_done", "v3.3 is trained")
    assert (failed.kind, failed.title) == ("training_failed", "The training of v3.3 failed")
    assert failed.body.endswith("out of memory. The champion goes on serving.")
    assert done.key != failed.key


def test_a_training_that_was_told_to_end_is_no_news() -> None:
    assert notice_of(event(training(2, "failed").model_copy(update={"error": STOPPED}))) is None


def test_a_training_says_what_it_was_worth_where_it_was_measured() -> None:
    figures = {"f1_score": 0.41239, "win_rate": None, "total_trades": 57.0, "n": 900.0}
    told = notice_of(event(training(1).model_copy(update={"figures": figures})))
    assert told is not None
    assert told.body.endswith(f"job {training(1).train_job_id}: f1 score 0.4124, total trades 57")
    bare = notice_of(event(training(1).model_copy(update={"figures": {}})))
    assert bare is not None and bare.body.endswith(f"job {training(1).train_job_id}")


def test_a_move_of_the_alias_is_told_with_who_and_why() -> None:
    moved = alias_move(1)
    told = notice_of(event(moved))
    assert told is not None
    assert (told.kind, told.title) == ("promotion", f"{moved.to_version} serves")
    assert told.body == f"by {moved.by}, after {moved.from_version}: {moved.reason}"
    first = notice_of(event(moved.model_copy(update={"from_version": None})))
    assert first is not None and "after nothing" in first.body
    back = notice_of(event(moved.model_copy(update={"act": "rollback"})))
    assert back is not None
    assert (back.kind, back.title) == ("rollback", f"Back to {moved.to_version}")


def test_an_alert_is_told_when_it_begins_and_when_it_ends() -> None:
    begun, over = notice_of(event(alert(1))), notice_of(event(alert(1, is_over=True)))
    assert begun is not None
    assert over is not None
    assert (begun.kind, begun.title, begun.body) == ("pause", "reversal: pause", "a wild day")
    assert over.title == "reversal: pause is over" and over.key != begun.key
    drift = notice_of(event(alert(2, "feature_drift")))
    assert drift is not None and drift.kind == "data_anomaly"
    assert notice_of(event(alert(3, "training_failed"))) is None  # `training_completed` tells of it


def test_a_report_is_told_with_its_charts_and_its_text_as_far_as_they_are_there(tmp_path: Path) -> None:
    """Not with its page, which no channel can show."""
    there = [tmp_path / name for name in ("ranking.png", "equity.png", "m.md", "m.html")]
    for path in there:
        path.write_text("drawn")
    files = {
        "charts": (str(there[0]), str(tmp_path / "gone.png"), str(there[1])),
        "markdown": str(there[2]),
        "html": str(there[3]),
    }
    told = notice_of(event(report(1).model_copy(update=files)))
    assert told is not None
    assert (told.kind, told.title, told.body) == ("monthly_report", "reversal in 2024-01", "The champion stayed.")
    assert told.attachments == tuple(there[:3])


def test_what_says_nothing_is_dealt_with_and_hands_nothing_over() -> None:
    """A `hold` is no failure of the group: it would be tried again, and parked."""
    notices = Notices(NoticeSettings(), {})
    handle = notifying(notices)
    handle(event(prediction(1, "hold")))
    assert notices.counts().unheard == 0
    handle(event(prediction(1)))
    assert notices.counts().unheard == 1


@pytest.mark.parametrize("payload", [bars(1), outcome(1)], ids=["bars", "outcome"])
def test_bars_and_outcomes_are_not_told(payload: LoopPayload) -> None:
    assert notice_of(event(payload)) is None


def test_an_event_that_breaks_its_contract_is_an_error_and_no_notice() -> None:
    broken = Event(event_id=bars(1).event_id, topic="new_prediction", at=START, payload={"signal": "buy"})
    with pytest.raises(InputError, match="new_prediction"):
        notice_of(broken)


def test_rev_r6_a_discord_that_fails_loses_no_signal_and_holds_nothing_up(
    ledger: Ledger, discord: DiscordServer
) -> None:
    """From the signal's transaction to Discord: `hold` says nothing, and the signals stand whatever Discord does."""
    discord.behave("500", "500")  # all that it is given of the first one
    quick = NoticeSettings(max_attempts=2, backoff_base_sec=0.01, backoff_max_sec=0.01, timeout_sec=1)
    notices = Notices(quick, notice_urls({"PAWL_NOTICE_URLS": "discord://1/main"}))
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
        tx.execute(sa.update(trading_signals).values(signal="buy"))
        mark_published(tx, {one.event_id: 0 for one in unpublished(tx, 100)}, START)  # that the version was trained
        for number, signal in enumerate(("buy", "hold", "sell")):
            announce(tx, prediction(number, signal), START)
    with InProcessBus(SETTINGS.backoff, lambda _: None, 100) as bus:
        bus.subscribe(NOTICED_TOPICS, "notices", notifying(notices))
        relay = Relay(ledger, bus, SETTINGS, lambda: START)
        relay.step()
        assert bus.wait_idle(10)
        relay.step()
    assert notices.wait_idle(10)
    notices.close()
    counts = notices.counts()
    assert (counts.sent, counts.failed) == (1, 1)
    assert [one.content.split()[0] for one in discord.taken] == ["SELL"]
    assert all("HOLD" not in one.content for one in discord.asked)
    with ledger.reading() as tx:
        assert unpublished(tx, 10) == []
        assert tx.execute(sa.select(trading_signals.c.signal)).scalar_one() == "buy"
