"""Passport over HTTP: four paths, each caller's own rows, and reports that are made behind the request."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from passport_service import PATHS, PassportService
from passport_world import ME, NOW, OTHER, WEEK, judge_version
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events, pending_events
from pawl.ledger.database import Ledger
from pawl.ledger.metadata import METADATA
from pawl.ledger.service_tables import user_reports
from pawl.ledger.user_reports import request_report, start_report

LEARNING = "/api/profile/passport/learning"
REPORTS = f"{LEARNING}/reports"
UUIDS = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


@pytest.fixture
def service(ledger: Ledger, tmp_path: Path) -> Iterator[PassportService]:
    """Passport on each database."""
    with PassportService(ledger, tmp_path) as opened:
        yield opened


@pytest.fixture
def small(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[PassportService]:
    """Passport on SQLite alone, for what does not reach the ledger."""
    with PassportService(sqlite_ledger, tmp_path) as opened:
        yield opened


def got(service: PassportService, path: str, user: str = "me") -> dict[str, Any]:
    """What a user is answered."""
    answer = service.ask("GET", path, user=user)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made(service: PassportService, user: str = "me", key: str = "k", body: dict[str, Any] | None = None) -> str:
    """The id of a report that was asked for and made."""
    answer = service.post(f"{REPORTS}/generate", body or {}, user=user, key=key)
    assert answer.status_code == 202, answer.text
    service.passport.reports.submit(UUID(int=0)).result(timeout=60)  # one thread: what came before it is done
    return str(answer.json()["report_id"])


def ids_of(ledger: Ledger, who: UUID) -> set[str]:
    """Every id in every row of a user, but for what the user shares with everybody."""
    shared = {"dataset_version_id"}
    found: set[str] = set()
    with ledger.reading() as tx:
        for table in METADATA.sorted_tables:
            if "user_id" in table.c:
                for row in tx.execute(sa.select(table).where(table.c.user_id == who)).mappings():
                    found |= {
                        value.hex for name, value in row.items() if isinstance(value, UUID) and name not in shared
                    }
                    found |= {text.replace("-", "") for text in UUIDS.findall(str(row.get("trace_id", "")))}
    return found


def test_the_four_endpoints_stand_at_their_paths_and_show_nobody_elses_rows(service: PassportService) -> None:
    """PASS-R41: two users, every answer of every endpoint, and not one id of the other's rows in any of them."""
    assert PATHS == [f"/api/profile/passport/learning/{name}" for name in ("status", "datasets", "evals")]
    reports = {who: made(service, who) for who in ("me", "other")}
    others = {"me": ids_of(service.ledger, OTHER), "other": ids_of(service.ledger, ME)}
    assert min(map(len, others.values())) > 200
    for who, foreign in others.items():
        answers = [service.ask("GET", path, user=who) for path in [*PATHS, f"{REPORTS}/{reports[who]}"]]
        answers.append(service.post(f"{REPORTS}/generate", {}, user=who, key="k"))
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 202]
        told = [answer.text for answer in answers]
        named = {text.replace("-", "") for one in told for text in UUIDS.findall(one)}
        assert named & foreign == set()
        assert named & ids_of(service.ledger, service.users[who])  # and its own are there
        stranger = service.ask("GET", f"{REPORTS}/{reports['other' if who == 'me' else 'me']}", user=who)
        unknown = service.ask("GET", f"{REPORTS}/{UUID(int=9)}", user=who)
        assert (stranger.status_code, stranger.json()) == (404, unknown.json())


def test_nobody_is_answered_without_a_token(small: PassportService) -> None:
    for path in [*PATHS, f"{REPORTS}/{UUID(int=1)}"]:
        assert small.ask("GET", path, user=None).status_code == 401
    assert small.post(f"{REPORTS}/generate", {}, user=None).status_code == 401


def test_the_status_says_the_four_items_of_its_caller(service: PassportService) -> None:
    """PASS-R42 over HTTP: the four items, what serves, and what runs."""
    mine, others = got(service, PATHS[0]), got(service, PATHS[0], "other")
    assert (mine["contribution"]["n_samples"], others["contribution"]["n_samples"]) == (8, 24)
    assert mine["contribution"]["share"] == 8 / 32
    assert mine["improvements"][0]["improved"] == ["hit_rate", "pnl_bps", "ece"]
    weak = {one["pattern"]: one for one in mine["weaknesses"]}
    assert len(weak) == 7
    assert weak["no_stop_loss"]["verdict"] == "shown"
    assert weak["no_stop_loss"]["n_exposures"] != others["weaknesses"][3]["n_exposures"]
    assert len(weak["no_stop_loss"]["weeks"]) == 12
    assert mine["confidence"]["n"] > 20 and mine["confidence"]["gap"] is not None
    assert [one["version"] for one in mine["serving"]] == ["m002-1.1"]
    assert (len(mine["runs"]["last"]), len(mine["runs"]["next"])) == (1, 1)


def test_datasets_show_their_counts_and_the_callers_share(service: PassportService) -> None:
    mine = {one["dataset_type"]: one for one in got(service, PATHS[1])["items"]}
    others = {one["dataset_type"]: one for one in got(service, PATHS[1], "other")["items"]}
    for kind, own, foreign, n in (("sft", 50, 1, 51), ("orpo", 3, 9, 12), ("pretrain", 5, 15, 20)):
        assert (mine[kind]["own_samples"], others[kind]["own_samples"]) == (own, foreign)
        assert mine[kind]["sample_count"] == n
        assert mine[kind]["own_share"] == own / n
    assert mine["supervised"]["own_samples"] == 0


def test_the_quality_of_a_dataset_names_no_row_of_anybody(service: PassportService) -> None:
    quality = {one["dataset_type"]: one for one in got(service, PATHS[1])["items"]}["orpo"]["quality"]
    assert quality == {"n_duplicates": 3, "class_shares": {"long": 0.5, "short": 0.5}, "quarantine": {"n": 1}}


def test_pages_go_on_behind_their_cursor(service: PassportService) -> None:
    everything = got(service, f"{PATHS[1]}?limit=100")
    assert everything["next_cursor"] is None
    seen: list[Any] = []
    path = f"{PATHS[1]}?limit=2"
    while True:
        page = got(service, path)
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        path = f"{PATHS[1]}?limit=2&cursor={page['next_cursor']}"
    assert seen == everything["items"]


def test_evaluations_are_listed_with_their_changes(service: PassportService) -> None:
    """PASS-R45 over HTTP: by version, by result and by scope, with changes against the preceding version."""
    with service.ledger.transaction() as tx:
        judge_version(tx, "m002-1.0", NOW, hit_rate=0.4)
    everything = got(service, PATHS[2])["items"]
    assert [(one["model_version"], one["gate_result"]) for one in everything] == [
        ("m002-1.0", "fail"),
        ("m002-1.1", "pass"),
        ("m002-1.0", "pass"),
    ]
    (found,) = got(service, f"{PATHS[2]}?model_version=m002-1.1")["items"]
    assert (found["preceding_version"], found["baseline_version"]) == ("m002-1.0", "m002-1.0")
    assert found["changes"][0]["metric"] == "hit_rate"
    assert found["changes"][0]["change"] == pytest.approx(0.55 - 0.4)
    assert len(got(service, f"{PATHS[2]}?gate_result=fail")["items"]) == 1
    assert got(service, f"{PATHS[2]}?scope=canary")["items"] == []
    assert got(service, f"{PATHS[2]}?role=analyst")["items"] == []


BAD_QUERIES = (
    "limit=0", "limit=101", "limit=x", "cursor=abc", "cursor=%00", "cursor=" + "A" * 80, "cursor=" + "A" * 201, "no=1",
    "model_version=%27%3B--", "scope=live", "gate_result=maybe", "role=admin", f"user_id={OTHER}",
)  # fmt: skip


def test_a_query_that_cannot_be_meant_is_refused(small: PassportService) -> None:
    for query in BAD_QUERIES:
        answer = small.ask("GET", f"{PATHS[2]}?{query}", user="me")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_input"), query


def test_a_report_is_accepted_at_once_and_made_behind_the_request(service: PassportService) -> None:
    answer = service.post(f"{REPORTS}/generate", {}, user="me", key="a")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    path = f"{REPORTS}/{answer.json()['report_id']}"
    assert answer.headers["Location"] == path
    service.passport.reports.submit(UUID(int=0)).result(timeout=60)
    report = got(service, path)
    assert (report["status"], report["error"]) == ("succeeded", None)
    claims = report["content"]["claims"]
    assert "no_stop_loss" in {claim["about"] for claim in claims if claim["kind"] == "weakness"}
    assert all(claim["event_ids"] for claim in claims)
    assert all(claim["text"] in report["content"]["markdown"] for claim in claims)


def test_the_same_key_is_the_same_report_and_another_window_under_it_is_refused(service: PassportService) -> None:
    first = made(service, key="same")
    service.later(days=1)
    again = service.post(f"{REPORTS}/generate", {}, user="me", key="same")
    assert (again.status_code, again.json()["report_id"], again.json()["status"]) == (202, first, "succeeded")
    assert again.headers["Idempotent-Replay"] == "true"
    other = service.post(f"{REPORTS}/generate", {"window_end": "2024-05-01T00:00:00Z"}, user="me", key="same")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert made(service, "other", key="same") != first
    assert len(service.rows(user_reports)) == 2


def test_a_window_is_the_same_window_in_any_zone(small: PassportService) -> None:
    first = made(small, body={"window_start": "2024-04-01T00:00:00Z", "window_end": "2024-05-01T00:00:00Z"})
    again = {"window_start": "2024-04-01T02:00:00+02:00", "window_end": "2024-05-01T00:00:00Z"}
    assert made(small, body=again) == first
    content = got(small, f"{REPORTS}/{first}")["content"]
    assert datetime.fromisoformat(content["window_end"]) == datetime.fromisoformat("2024-05-01T00:00:00Z")


BAD_WINDOWS: tuple[Any, ...] = (
    {"window_start": "2024-05-01T00:00:00Z", "window_end": "2024-05-01T00:00:00Z"},
    {"window_start": "2020-01-01T00:00:00Z", "window_end": "2024-05-01T00:00:00Z"},
    {"window_start": "2024-05-01"},
    {"window_start": "2024-05-01T00:00:00"},
    {"window_end": "1970-01-01T00:00:00Z"},
    {"user_id": str(OTHER)},
    [],
    "x",
)


def test_a_window_that_is_none_is_refused(small: PassportService) -> None:
    for body in BAD_WINDOWS:
        answer = small.post(f"{REPORTS}/generate", body, user="me")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_input"), body
    assert small.rows(user_reports) == []


def test_a_server_that_starts_makes_what_another_left_behind(service: PassportService) -> None:
    with service.ledger.transaction() as tx:
        left = request_report(tx, ME, "left", {"window_start": None, "window_end": None}, NOW)[0].report_id
        start_report(tx, left)  # the other server ended while it was made
    with service.passport.reports as maker:
        maker.submit(UUID(int=0)).result(timeout=60)  # one thread: what came before it is done
    assert got(service, f"{REPORTS}/{left}")["status"] == "succeeded"


def test_what_a_user_does_over_http_becomes_a_weakness_of_that_user(service: PassportService) -> None:
    """The whole chain: write paths, outbox, trajectories, status."""
    for _ in range(24):
        trade = service.opened("ann", stop_price=None)
        service.later(minutes=30)
        closed = service.post(f"/api/quick-trades/{trade}/close", {"exit_price": 99.0}, user="ann")
        assert closed.status_code == 201, closed.text
        service.later(hours=2)
    with service.ledger.transaction() as tx:
        fold_events(tx, pending_events(tx, service.at, 1000), PassportSettings(), service.at)
    weak = {one["pattern"]: one for one in got(service, PATHS[0], "ann")["weaknesses"]}
    assert (weak["no_stop_loss"]["verdict"], weak["no_stop_loss"]["n_occurrences"]) == ("shown", 24)
    assert weak["over_leverage"]["n_occurrences"] == 0
    assert {one["verdict"] for name, one in weak.items() if name != "no_stop_loss"} <= {"too_few", "unclear", "kept"}
    assert all(one["n_exposures"] == 0 for one in got(service, PATHS[0], "bob")["weaknesses"])
    assert timedelta(0) < service.at - WEEK
