"""Notices: to the channels of their kind, not twice, and never in the way of the loop, whatever Discord does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from discord_server import DiscordServer
from ledger_world import START
from pawl.events.notice import Notice
from pawl.events.notice_settings import NOTICE_KINDS, NoticeKind, NoticeSettings, notice_urls
from pawl.events.notices import Notices

ENVIRONMENT = {
    "PAWL_NOTICE_URLS": "discord://1/main",
    "PAWL_NOTICE_URLS_ML_REPORTS": "discord://2/reports",
    "PAWL_NOTICE_URLS_TRADERS": "discord://3/trade discord://4/desk",
    "PAWL_HOME": "/elsewhere",
}


def notice(kind: NoticeKind = "rollback", key: str = "v3.3", minutes: float = 0) -> Notice:
    return Notice(kind=kind, key=key, at=START + timedelta(minutes=minutes), title=f"{kind} {key}", body="")


@contextmanager
def opened(environment: dict[str, str] = ENVIRONMENT, **settings: Any) -> Iterator[Notices]:
    quick = {"backoff_base_sec": 0.02, "backoff_max_sec": 0.1, "timeout_sec": 0.5, **settings}
    notices = Notices(NoticeSettings.model_validate(quick), notice_urls(environment))
    yield notices
    notices.close(0.1)


def heard(discord: DiscordServer) -> list[tuple[str, str]]:
    return sorted((one.webhook, one.content) for one in discord.taken)


def test_every_kind_of_the_specs_is_known() -> None:
    assert NOTICE_KINDS == (
        "signal", "training_done", "training_failed", "promotion", "rollback", "data_anomaly", "performance_drop",
        "monthly_report", "pause",
    )  # fmt: skip


def test_rev_r37_the_monthly_report_goes_to_its_own_channel_with_its_files(
    discord: DiscordServer, tmp_path: Path
) -> None:
    chart = tmp_path / "ranking.png"
    chart.write_bytes(b"\x89PNG\r\n\x1a\n")
    report = Notice(
        kind="monthly_report", key="2024-01", at=START, title="January", body="best: v3.3", attachments=(chart,)
    )
    with opened() as notices:
        assert notices.notify(report)
        assert notices.notify(notice("rollback"))
        assert notices.wait_idle(10)
    assert {one.webhook for one in discord.taken if "January" in one.content or one.files} == {"2/reports"}
    assert [one.webhook for one in discord.taken if "rollback" in one.content] == ["1/main"]
    assert [name for one in discord.taken for name in one.files] == ["ranking.png"]


def test_kinds_go_where_the_settings_send_them(discord: DiscordServer) -> None:
    routes = {"signal": ("traders", "default"), "pause": (), "promotion": ("nobody_set_this",)}
    with opened(routes=routes) as notices:
        assert notices.notify(notice("signal"))
        assert not notices.notify(notice("pause"))
        assert notices.notify(notice("promotion"))
        assert notices.wait_idle(10)
        assert notices.counts().unheard == 1
    assert heard(discord) == [
        ("1/main", "promotion v3.3"), ("1/main", "signal v3.3"), ("3/trade", "signal v3.3"), ("4/desk", "signal v3.3"),
    ]  # fmt: skip


def test_without_an_address_nothing_is_sent_and_nothing_breaks() -> None:
    with opened({}) as notices:
        assert not notices.notify(notice())
        assert notices.counts().unheard == 1
        assert notices.wait_idle(0)


def test_a_notice_is_not_repeated_within_its_time_by_the_clock_of_the_loop(discord: DiscordServer) -> None:
    with opened(same_for_sec=3600) as notices:
        minutes = (0, 59, 61, 100, 121)
        assert [notices.notify(notice(minutes=one)) for one in minutes] == [True, False, True, False, True]
        assert notices.notify(notice("pause", minutes=121))
        assert notices.notify(notice(key="v3.4", minutes=121))
        assert notices.wait_idle(10)
        assert notices.counts().repeated == 2
    assert len(discord.taken) == 5


def test_what_found_no_room_may_be_told_again(discord: DiscordServer) -> None:
    discord.behave("hang")
    with opened(queue_size=1, timeout_sec=1.0) as notices:
        assert notices.notify(notice(key="first"))
        assert not notices.notify(notice(key="second"))
        assert notices.counts().dropped == 1
        assert notices.wait_idle(10)
        assert notices.notify(notice(key="second"))
        assert notices.wait_idle(10)
    assert len(discord.taken) == 2


def test_the_loop_never_waits_though_an_address_hangs_and_the_others_hear_at_once(discord: DiscordServer) -> None:
    routes = {kind: ("traders",) for kind in NOTICE_KINDS}
    discord.behave("hang")
    with opened(routes=routes, timeout_sec=20.0, queue_size=50) as notices:
        began = time.monotonic()
        for number in range(200):
            notices.notify(notice(key=str(number)))
        assert time.monotonic() - began < 15  # an address hangs for 20
        limit = time.monotonic() + 15
        while len({one.content for one in discord.taken}) < 15 and time.monotonic() < limit:
            time.sleep(0.01)
        assert len({one.content for one in discord.taken}) >= 15
        assert notices.counts().dropped > 0
    assert len({one.webhook for one in discord.taken}) == 1


@pytest.mark.parametrize("behaviour", ["500", "429", "hang"])
def test_a_discord_that_misbehaves_gets_the_notice_when_it_is_well_again(
    discord: DiscordServer, behaviour: Any
) -> None:
    discord.behave(behaviour, behaviour)
    with opened() as notices:
        notices.notify(notice())
        assert notices.wait_idle(20)
        counts = notices.counts()
    assert (counts.sent, counts.failed, counts.waiting) == (1, 0, 0)
    assert heard(discord) == [("1/main", "rollback v3.3")]


def test_what_is_never_taken_is_lost_and_counted_and_the_next_is_told(discord: DiscordServer) -> None:
    discord.behave("500", "500", "500")
    with opened(max_attempts=3) as notices:
        notices.notify(notice(key="lost"))
        notices.notify(notice(key="heard"))
        assert notices.wait_idle(10)
        counts = notices.counts()
    assert (counts.sent, counts.failed) == (1, 1)
    assert heard(discord) == [("1/main", "rollback heard")]
