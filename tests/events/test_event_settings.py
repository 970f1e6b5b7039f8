"""The page on events says what there is: every topic with its fields, every setting with its default, every kind."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from pawl.events.event_settings import URL_VARIABLE, EventSettings
from pawl.events.notice_settings import NOTICE_KINDS, URLS_VARIABLE, NoticeSettings
from pawl.ledger.loop_payloads import LOOP_PAYLOADS

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
TOPICS = {row[0].strip("`"): row for row in ROWS if row[0].strip("`") in LOOP_PAYLOADS}


@pytest.mark.parametrize("topic", LOOP_PAYLOADS)
def test_every_field_of_a_topic_stands_in_its_row(topic: str) -> None:
    named, rest = (re.findall(r"`([a-z_]+)`", cell) for cell in TOPICS[topic][1:])
    assert tuple(named) == LOOP_PAYLOADS[topic].named_by
    assert {*named, *rest, "version"} == set(LOOP_PAYLOADS[topic].model_fields)


@pytest.mark.parametrize("settings", [EventSettings(), NoticeSettings()], ids=["events", "notices"])
def test_every_setting_stands_in_the_page_with_its_default(settings: BaseModel) -> None:
    said = {
        name: default.strip("` ")
        for row in ROWS
        if len(row) == 3 and row[0].strip("`") not in TOPICS
        for name, default in zip(re.findall(r"`([a-z_]+)`", row[0]), re.split(r", ", row[1]), strict=False)
    }
    wanted = {
        name: value
        for name, value in settings
        if name not in ("routes", "backoff_base_sec", "backoff_max_sec", "max_attempts")
    }
    assert {name: str(said[name]).lower().replace(",", "") for name in wanted} == {
        name: f"{value:g}" if isinstance(value, float) else str(value).lower() for name, value in wanted.items()
    }


def test_the_variables_and_kinds_stand_in_the_page() -> None:
    for name in (URL_VARIABLE, URLS_VARIABLE, *(f"`{kind}`" for kind in NOTICE_KINDS)):
        assert name in PAGE
