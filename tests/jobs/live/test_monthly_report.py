"""The monthly run (REV-R37): the report is written where it belongs, the same to the byte, and announced after."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from discord_server import DiscordServer
from event_fixtures import discord
from monthly_world import AT, HOUR, TICKERS, Months, day_of, months
from pawl.events.bus import Event
from pawl.events.notice_settings import NoticeSettings
from pawl.events.notice_texts import notifying
from pawl.events.notices import Notices
from pawl.jobs.live import monthly_report
from pawl.jobs.live.monthly_facts import MonthSource
from pawl.jobs.live.monthly_report import MonthlyFiles, run_month, write_month
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import unpublished
from pawl.market.limits import QualityLimits

__all__ = ["discord"]


@pytest.fixture
def market(tmp_path: Path, ledger: Ledger) -> Months:
    found = months(tmp_path / "home", ledger)
    found.add("oracle-1.0", found.sides(0.53), day_of("2025-11-20"))
    found.serve("oracle-1.0", day_of("2025-11-21"))
    found.add("oracle-1.1", found.sides(0.75, seed=2), day_of("2025-12-01"))
    return found


def source_of(market: Months) -> MonthSource:
    return MonthSource(
        workspace=market.workspace, learner="oracle", timeframe=HOUR, tickers=TICKERS, limits=QualityLimits()
    )


def test_rev_r37_the_report_is_saved_and_announced_with_its_pictures(market: Months) -> None:
    told: list[MonthlyFiles] = []

    def announce(tx: object, files: MonthlyFiles, at: object) -> None:
        assert at == AT and all(path.exists() for path in (files.markdown, files.page, *files.charts))
        told.append(files)

    done = run_month(market.world(), source_of(market), AT, announce)
    folder = market.workspace.home / "reports" / "monthly" / "oracle"
    assert sorted(path.name for path in folder.iterdir()) == ["2026-01-ranking.png", "2026-01.html", "2026-01.md"]
    assert (folder / "2026-01-ranking.png").read_bytes().startswith(b"\x89PNG")
    assert "![Ranking](2026-01-ranking.png)" in (folder / "2026-01.md").read_text(encoding="utf-8")
    assert (told[0].learner, told[0].month, told[0].charts) == ("oracle", "2026-01", (folder / "2026-01-ranking.png",))
    assert told[0].summary.startswith("The best version was promoted: oracle-1.1 ranks first")
    assert (done["act"], done["best"], done["report"]["html"]) == (
        "promoted",
        "oracle-1.1",
        str(folder / "2026-01.html"),
    )


def test_rev_r37_the_same_ledger_gives_the_same_bytes(market: Months) -> None:
    run_month(market.world(), source_of(market), AT, lambda tx, files, at: None)
    folder = market.workspace.home / "reports" / "monthly" / "oracle"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    write_month(source_of(market), "2026-01")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_rev_r37_a_run_that_died_before_its_report_writes_it_when_it_is_repeated(
    market: Months, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    told = []
    monkeypatch.setattr(monthly_report, "render_files", dies)
    with pytest.raises(KeyboardInterrupt):
        run_month(market.world(), source_of(market), AT, lambda tx, files, at: told.append(files))
    assert told == []
    monkeypatch.undo()
    done = run_month(market.world(), source_of(market), AT, lambda tx, files, at: told.append(files))
    assert done["act"] == "promoted" and len(told) == 1


def test_rev_r37_the_report_is_sent_to_ml_reports_with_its_pictures(market: Months, discord: DiscordServer) -> None:
    for _ in range(2):  # a repeated run announces once
        run_month(market.world(), source_of(market), AT)
    with market.ledger.reading() as tx:
        (waiting,) = [one for one in unpublished(tx, 10) if one.topic == "report_ready"]
    assert waiting.at == AT
    urls = {channel: (SecretStr(f"discord://{channel}_id/token"),) for channel in ("default", "ml_reports")}
    notices = Notices(NoticeSettings(), urls)
    event = Event(event_id=waiting.event_id, topic=waiting.topic, at=AT, payload=waiting.payload, trace_id=None)
    notifying(notices)(event)
    assert notices.wait_idle(30)
    notices.close()
    assert {message.webhook for message in discord.taken} == {"ml_reports_id/token"}
    said = "\n".join(message.content + str(message.said) for message in discord.taken)
    assert "oracle in 2026-01" in said and "oracle-1.1 ranks first" in said
    files = {name: body for message in discord.taken for name, (_, body) in message.files.items()}
    picture = market.workspace.home / "reports" / "monthly" / "oracle" / "2026-01-ranking.png"
    assert files["2026-01-ranking.png"] == picture.read_bytes()
    assert "2026-01.md" in files
