"""Ingest through HTTP: 16 clients open trades, against the same endpoint (body, checks, token) that writes nothing.

Two servers in processes of their own, asked in turns by this one over raw sockets; the ratio is of requests a second in
one run. Target: at least 0.60 of the endpoint that writes nothing. CPU time a request, of the server alone, says the
same with less noise from neighbours: what the disk takes is not in it.

    python bench/http_ingest.py [--seconds 3] [--rounds 5] [--url postgresql://…]
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter
from uuid import UUID

N_CLIENTS = 16
TOKEN = "pawl_bench"
TARGET = 0.60
BODY = {
    "ticker": "BTCUSDT", "side": "long", "size": 1000.0, "size_pct": 5.0, "leverage": 3.0, "entry_price": 42_000.5,
    "decision_price": 42_000.0, "stop_price": 41_500.0, "target_price": 43_000.0,
    "recommendation": {"direction": "long", "confidence": 0.71, "sl_bps": 120.0, "tp_bps": [180.0, 240.0],
                       "leverage": 3.0, "max_position_pct": 8.0, "rationale": "Funding fell while price held"},
}  # fmt: skip


class Client(asyncio.Protocol):
    """One connection that asks as soon as it was answered."""

    def __init__(self, number: int, run: str, until: float, done: "asyncio.Future[None]") -> None:
        body = json.dumps(BODY).encode()
        self.tail = f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        head = (
            "POST /api/quick-trades/open HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nIdempotency-Key: {run}-{number}-"
        )
        self.head, self.until, self.done = head.encode(), until, done
        self.buffer, self.n_asked, self.waits = b"", 0, []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """The next request, under a key of its own."""
        self.n_asked += 1
        self.asked = perf_counter()
        self.transport.write(self.head + str(self.n_asked).encode() + self.tail)

    def data_received(self, data: bytes) -> None:
        """Whole answers are short; their length stands in the head."""
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        if not self.buffer.startswith(b"HTTP/1.1 201"):
            self.done.set_exception(RuntimeError(self.buffer.decode()))
            return
        self.buffer = b""
        now = perf_counter()
        self.waits.append(now - self.asked)
        if now < self.until:
            self.ask()
        elif not self.done.done():
            self.transport.close()
            self.done.set_result(None)


async def load(port: int, run: str, seconds: float) -> tuple[float, list[float]]:
    """Requests a second of 16 clients, and how long each waited, seconds."""
    loop = asyncio.get_running_loop()
    started = perf_counter()
    done = [loop.create_future() for _ in range(N_CLIENTS)]
    clients = [Client(number, run, started + seconds, end) for number, end in enumerate(done)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*done)
    waits = [wait for client in clients for wait in client.waits]
    return len(waits) / (perf_counter() - started), waits


class Nothing:
    """A writer that writes nothing."""

    def __init__(self, now: object) -> None:
        self.now = now

    async def write(self, command: object) -> object:
        """As if it were written."""
        from pawl.ledger.write_commands import Written

        return Written(
            event_id=command.event_id, source_event_id=UUID(command.payload.trade_id), trace_id="u/x",
            inference_id=None, recorded_at=datetime.now(UTC), payload=command.payload, is_new=True,
        )  # fmt: skip


def serve(url: str, writes: bool) -> None:
    """A server on a free port, which it prints."""
    from pawl.ledger.database import Ledger
    from pawl.ledger.group_writer import GroupWriter
    from pawl.serving.app import create_app
    from pawl.serving.edge import log_to_stderr
    from pawl.serving.market_view import NoMarket
    from pawl.serving.server import listening, serve_until_stopped
    from pawl.serving.server_settings import ServerSettings
    from pawl.serving.service import Clocks, service_of

    ledger = Ledger(url)
    clocks = Clocks(now=lambda: datetime.now(UTC), monotonic=monotonic)
    writer = GroupWriter(ledger, clocks.now) if writes else Nothing(clocks.now)
    app = create_app(
        service_of(ledger, writer, NoMarket(), clocks, ServerSettings(requests_per_sec=1e9, burst=1_000_000_000))
    )
    log_to_stderr()
    own = listening("127.0.0.1", 0)
    print(own.getsockname()[1], flush=True)
    serve_until_stopped(app, own)


@contextmanager
def server(url: str, *, writes: bool) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; its port and its process id."""
    words = [sys.executable, __file__, "--serve", url, *(["--writes"] if writes else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def cpu_sec(pid: int) -> float:
    """What a process has computed so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(url: str, seconds: float, rounds: int) -> None:
    """Print the ratio, and how long a request waits."""
    import uvloop

    from pawl.ledger.database import Ledger
    from pawl.ledger.identity import identity
    from pawl.ledger.tokens import create_token

    ledger = Ledger(url)
    ledger.make_current()
    with ledger.transaction() as tx:
        create_token(tx, TOKEN, identity("user", "bench"), f"bench {os.getpid()}", datetime.now(UTC))
    rates: dict[str, list[float]] = {"nothing": [], "written": []}
    waits: dict[str, list[float]] = {"nothing": [], "written": []}
    cpu: dict[str, float] = {"nothing": 0.0, "written": 0.0}
    with server(url, writes=False) as nothing, server(url, writes=True) as written:
        for number in range(rounds + 1):
            for name, (port, pid) in (("nothing", nothing), ("written", written)):
                before = cpu_sec(pid)
                rate, waited = uvloop.run(load(port, f"{number}", seconds if number else 1.0))
                if number:  # the first warms up
                    rates[name].append(rate)
                    waits[name] += waited
                    cpu[name] += cpu_sec(pid) - before
    ratios = [mine / base for mine, base in zip(rates["written"], rates["nothing"], strict=True)]
    kind = ledger.engine.dialect.name
    for name in rates:
        cuts = statistics.quantiles(waits[name], n=100)
        print(f"{kind} {name:8} {statistics.median(rates[name]):7.0f} requests/s   p50 {cuts[49] * 1e3:5.1f} ms   "
              f"p99 {cuts[98] * 1e3:5.1f} ms   cpu {cpu[name] / len(waits[name]) * 1e3:.3f} ms a request")  # fmt: skip
    spread = f"of {min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{kind} ratio    {statistics.median(ratios):7.2f} ({spread}; target {TARGET:.2f})")
    mine, base = (cpu[name] / len(waits[name]) for name in ("written", "nothing"))
    print(f"{kind} of CPU   {base / mine:7.2f}")


def main() -> None:
    """Measure, or serve for a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url")
    parser.add_argument("--serve")
    parser.add_argument("--writes", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.writes)
        return
    with tempfile.TemporaryDirectory(prefix="pawl-bench-", dir=Path.cwd()) as folder:
        measure(given.url or f"sqlite:///{folder}/ledger.db", given.seconds, given.rounds)


if __name__ == "__main__":
    main()
