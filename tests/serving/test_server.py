"""The server as a process of its own: where it listens, what it takes, and how it ends."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pawl.errors import InputError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.tokens import create_token, revoke_token
from pawl.serving.server import background_server, listening, require_token
from served import NOW, Served, served
from serving_world import OPEN, World


@pytest.fixture
def server(ledger: Ledger, tmp_path: Path) -> Iterator[Served]:
    """`pawl serve` on a ledger of one's own, once on each database."""
    with served(tmp_path / "home", ledger) as found:
        yield found


def _open(client: httpx.Client, key: str) -> httpx.Response:
    headers = {"Authorization": "Bearer pawl_ann", "Idempotency-Key": key}
    return client.post("/api/quick-trades/open", json=OPEN, headers=headers)


def _n_events(ledger: Ledger) -> int:
    with ledger.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(event_outbox)).scalar_one()


def test_the_schedules_of_the_settings_stand_in_the_status(server: Served) -> None:
    path = "/api/profile/passport/learning/status"
    answer = httpx.get(f"{server.url}{path}", headers={"Authorization": "Bearer pawl_ann"}, timeout=20)
    assert answer.status_code == 200
    assert [one["schedule"] for one in answer.json()["runs"]["scheduled"]] == ["train m002"]


def test_a_server_stopped_in_the_midst_has_written_all_that_it_answered(server: Served) -> None:
    """SIGTERM under load: every 201 stands, the process ends by itself, and its log holds no secret."""

    def ask(number: int) -> list[str]:
        answered = []
        with httpx.Client(base_url=server.url, timeout=20) as client:
            for n in range(10_000):
                try:
                    answer = _open(client, f"{number}-{n}")
                except httpx.TransportError:
                    break
                if answer.status_code == 201:
                    answered.append(answer.json()["event_id"])
        return answered

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(8)]
        while _n_events(server.ledger) < 40:
            time.sleep(0.02)
        code = server.stop()
        answered = [event for one in asked for event in one.result()]
    assert code == 0
    assert len(answered) >= 40
    with server.ledger.reading() as tx:
        standing = {str(event) for event in tx.execute(sa.select(event_outbox.c.event_id)).scalars()}
    assert set(answered) <= standing
    log = server.stderr.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert sum(line["status"] == 201 for line in lines) >= len(answered)
    assert "pawl_ann" not in log and "Traceback" not in log and "BTCUSDT" not in log
    assert "everything that was taken in is written" in log


def test_a_killed_server_has_written_all_that_it_answered(server: Served) -> None:
    with httpx.Client(base_url=server.url) as client:
        answered = [_open(client, str(n)).json()["event_id"] for n in range(20)]
    server.process.kill()
    server.process.wait()
    with server.ledger.reading() as tx:
        assert set(answered) <= {str(event) for event in tx.execute(sa.select(event_outbox.c.event_id)).scalars()}


def test_a_revoked_token_ends_within_its_time_on_a_server_that_runs(server: Served) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert _open(client, "a").status_code == 201
        with server.ledger.transaction() as tx:
            revoke_token(tx, "ann", NOW)
        time.sleep(0.6)  # server.token_cache_sec is 0.5 here
        assert _open(client, "b").status_code == 401


def test_raw_requests_that_are_no_http_do_no_harm(server: Served) -> None:
    port = int(server.url.rpartition(":")[2])
    for sent in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /api/signals/track HTTP/1.1\r\nHost: x\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(10)
            try:
                answer = raw.recv(100)
            except ConnectionResetError:
                answer = b""
            assert answer == b"" or answer.startswith((b"HTTP/1.1 4",))
    with httpx.Client(base_url=server.url) as client:
        assert _open(client, "still here").status_code == 201


def test_a_body_in_pieces_that_never_ends_is_cut_off(server: Served) -> None:
    port = int(server.url.rpartition(":")[2])
    head = (
        b"POST /api/signals/track HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer pawl_ann\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.settimeout(20)
        raw.sendall(head)
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(100):
                raw.sendall(piece)
        except (ConnectionError, TimeoutError):
            pass
        assert raw.recv(20).startswith(b"HTTP/1.1 413")
    assert _n_events(server.ledger) == 0


def test_a_token_opens_the_door_and_a_revoked_one_shuts_it(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.transaction() as tx:
        create_token(tx, "pawl_ann", identity("user", "ann"), "ann", NOW)
    require_token(sqlite_ledger, "0.0.0.0")
    with sqlite_ledger.transaction() as tx:
        revoke_token(tx, "ann", NOW)
    require_token(sqlite_ledger, "127.0.0.1")
    with pytest.raises(RefusalError, match="no token"):
        require_token(sqlite_ledger, "0.0.0.0")


def test_a_port_that_is_taken_is_bad_input() -> None:
    with listening("127.0.0.1", 0) as first, pytest.raises(InputError, match="cannot listen"):
        listening("127.0.0.1", first.getsockname()[1])


def test_a_server_in_the_background_answers_and_ends(small_world: World) -> None:
    with background_server(small_world.app) as url:
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/health")
