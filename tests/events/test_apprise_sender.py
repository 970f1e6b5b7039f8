"""Apprise against a server that speaks Discord's webhooks: what arrives, what is refused, and what is never logged."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from discord_server import Behaviour, DiscordServer
from ledger_world import START
from pawl.errors import InputError, SettingsError
from pawl.events.apprise_sender import LEVELS, AppriseSender
from pawl.events.notice import Notice
from pawl.events.notice_settings import NOTICE_KINDS

URL = SecretStr("discord://4815162342/very-secret-token")


def notice(body: str = "**bold**", *attachments: Path) -> Notice:
    return Notice(
        kind="monthly_report", key="2024-01", at=START, title="January", body=body, attachments=tuple(attachments)
    )


def sender(timeout_sec: float = 5.0) -> AppriseSender:
    return AppriseSender(URL, "default 1", timeout_sec)


def test_every_kind_has_its_level() -> None:
    assert tuple(LEVELS) == NOTICE_KINDS
    assert {kind for kind, level in LEVELS.items() if level in ("warning", "failure")} == {
        "training_failed", "rollback", "data_anomaly", "performance_drop", "pause",
    }  # fmt: skip


def test_a_service_that_shows_pages_gets_one_and_the_level(discord: DiscordServer) -> None:
    url = SecretStr(f"{discord.url.replace('http://', 'json://')}?format=html")
    AppriseSender(url, "default 1", 5.0).send(replace(notice("**bold**"), kind="training_failed"))
    said = discord.asked[0].said
    assert (said["title"], said["message"], said["type"]) == ("January", "<p><strong>bold</strong></p>", "failure")


def test_a_message_arrives_as_discord_writes_it(discord: DiscordServer) -> None:
    assert sender().send(notice(), "(a remark)")
    (message,) = discord.taken
    assert message.webhook == "4815162342/very-secret-token"
    assert message.content.split() == ["January", "**bold**", "(a", "remark)"]
    assert not message.said.get("avatar_url")


def test_charts_and_pages_go_with_a_report(discord: DiscordServer, tmp_path: Path) -> None:
    chart, page = tmp_path / "equity.png", tmp_path / "report.html"
    chart.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    page.write_text("<h1>January</h1>")
    assert sender().send(notice("see", chart, page, tmp_path / "lost.png"))
    assert discord.taken[0].content.split() == ["January", "see", "(the", "file", "lost.png", "is", "gone)"]
    files = {name: file for message in discord.taken for name, file in message.files.items()}
    assert files == {"equity.png": ("image/png", chart.read_bytes()), "report.html": ("text/html", page.read_bytes())}


def test_a_long_text_arrives_in_parts_that_discord_takes(discord: DiscordServer) -> None:
    words = [f"word{number}" for number in range(1000)]
    assert sender().send(notice(" ".join(words)))
    assert len(discord.taken) > 1
    assert "".join(one.content for one in discord.taken).replace("January", "").split()[-1] == words[-1]
    assert sum(one.content.count("word") for one in discord.taken) == 1000


@pytest.mark.parametrize("behaviours", [("500",), ("hang",), ("429", "429")])
def test_what_is_not_taken_is_said_to_be_so(discord: DiscordServer, behaviours: tuple[Behaviour, ...]) -> None:
    discord.behave(*behaviours)
    assert not sender(timeout_sec=0.3).send(notice())
    assert discord.taken == []


def test_a_server_that_hangs_is_waited_for_as_long_as_the_settings_say(discord: DiscordServer) -> None:
    discord.behave("hang")
    began = time.monotonic()
    sender(timeout_sec=0.3).send(notice())
    assert 0.3 <= time.monotonic() - began < 4  # Apprise's own is 4


def test_a_limit_of_discord_is_waited_for(discord: DiscordServer) -> None:
    discord.behave("429")
    assert sender().send(notice())
    refused, taken = discord.asked
    assert discord.taken == [taken]
    assert taken.at > refused.at


def test_no_log_holds_an_address(
    discord: DiscordServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        discord.behave("take", "500", "hang", "429")
        for _ in range(4):
            sender(timeout_sec=0.2).send(notice())
    said = caplog.text + "".join(capfd.readouterr())
    assert "very-secret" not in said
    assert "4815162342" not in said


def test_an_address_that_apprise_does_not_know_is_refused_without_being_repeated() -> None:
    with pytest.raises(SettingsError, match="channel traders 2") as caught:
        AppriseSender(SecretStr("nowhere://very-secret"), "traders 2", 1.0)
    assert "very-secret" not in str(caught.value)


def test_without_apprise_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(InputError, match=r"pawl-trading\[notices\]"):
        sender()
