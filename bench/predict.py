"""One prediction over HTTP: routed, answered and filed in the ledger, against MLflow's serving of the same model.

600 LightGBM trees over 38 features, one row a request, no two requests alike. Both servers run in processes of their
own, one worker and one thread a model, and are asked in turns over raw sockets by this one; ratios are of one run.
*Bare* is the same route without a ledger: what routing the version and filing the inference cost beside it.

    python -m venv /tmp/venv-mlflow && /tmp/venv-mlflow/bin/pip install mlflow lightgbm
    python bench/predict.py --mlflow /tmp/venv-mlflow [--seconds 3] [--rounds 5] [--url postgresql://…]

Without --mlflow the peer is left out.
"""

import argparse
import asyncio
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter, sleep

import numpy as np

TOKEN = "pawl_bench"
CLIENTS = (1, 16)
SAVE_IN_MLFLOW = (
    "import sys, lightgbm, mlflow.lightgbm as m; m.save_model(lightgbm.Booster(model_file=sys.argv[1]), sys.argv[2])"
)
ROWS = np.random.default_rng(1).normal(size=(4096, 38)).round(6).tolist()

NAMES = [f"Column_{number}" for number in range(38)]

Ask = Callable[[int], bytes]
"""Number of a request → its bytes."""


def post(path: str, body: object, headers: str = "") -> bytes:
    """A request on a connection that is kept."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(content)}"
    )
    return head.encode() + b"\r\n\r\n" + content


def ask_pawl(number: int) -> bytes:
    """A row of a bar that no other request is about."""
    bar = datetime.fromtimestamp(900 * (1_000_000 + number % 800_000), UTC).isoformat()
    body = {"learner": "bench", "pair": "EURUSD", "bar_timestamp": bar, "features": ROWS[number % len(ROWS)]}
    return post("/predict", body, f"Authorization: Bearer {TOKEN}\r\n")


def ask_mlflow(number: int) -> bytes:
    """A row with its names, the form of its documentation, which becomes a DataFrame."""
    row = ROWS[number % len(ROWS)]
    return post("/invocations", {"dataframe_split": {"columns": NAMES, "data": [row]}})


def ask_mlflow_bare(number: int) -> bytes:
    """A row without names, the shortest form it takes."""
    return post("/invocations", {"inputs": [ROWS[number % len(ROWS)]]})


class Client(asyncio.Protocol):
    """One connection that asks as soon as it was answered."""

    def __init__(self, numbers: "itertools.count[int]", ask: Ask, until: float, done: "asyncio.Future[None]") -> None:
        self.numbers, self.make, self.until, self.done = numbers, ask, until, done
        self.buffer, self.waits = b"", []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """The next request."""
        content = self.make(next(self.numbers))
        self.asked = perf_counter()
        self.transport.write(content)

    def data_received(self, data: bytes) -> None:
        """Whole answers are short; their length stands in the head."""
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        now = perf_counter()
        if not self.buffer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self.buffer.decode()))
            return
        self.buffer = b""
        self.waits.append(now - self.asked)
        if now < self.until:
            self.ask()
        elif not self.done.done():
            self.transport.close()
            self.done.set_result(None)


async def load(
    port: int, numbers: "itertools.count[int]", ask: Ask, n_clients: int, seconds: float
) -> tuple[float, list[float]]:
    """Requests a second, and how long each waited, seconds."""
    loop = asyncio.get_running_loop()
    started = perf_counter()
    done = [loop.create_future() for _ in range(n_clients)]
    clients = [Client(numbers, ask, started + seconds, end) for end in done]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*done)
    waits = [wait for client in clients for wait in client.waits]
    return len(waits) / (perf_counter() - started), waits


class Nothing:
    """A writer that files nothing."""

    def file_now(self, entries: list[object]) -> list[object]:
        """As if they were filed."""
        from pawl.ledger.inference_writer import Filed

        return [Filed.WRITTEN] * len(entries)


def serve(home: Path, url: str, *, files: bool) -> None:
    """Pawl on a free port, which it prints."""
    from pawl.ledger.group_writer import GroupWriter
    from pawl.ledger.inference_writer import InferenceWriter
    from pawl.serving.app import create_app
    from pawl.serving.edge import log_to_stderr
    from pawl.serving.market_view import NoMarket
    from pawl.serving.model_shelf import ModelShelf
    from pawl.serving.predictor import Predictor
    from pawl.serving.server import listening, serve_until_stopped
    from pawl.serving.server_settings import ServerSettings
    from pawl.serving.service import Clocks, service_of
    from predict_learner import Bench, workspace_at

    workspace = workspace_at(home, url)
    ledger = workspace.versions.ledger
    clocks = Clocks(now=lambda: datetime.now(UTC), monotonic=monotonic)
    settings = ServerSettings(requests_per_sec=1e9, burst=1_000_000_000)
    service = service_of(ledger, GroupWriter(ledger, clocks.now), NoMarket(), clocks, settings)
    shelf = ModelShelf(workspace, lambda name: Bench())
    writer = InferenceWriter(ledger) if files else Nothing()
    log_to_stderr()
    own = listening("127.0.0.1", 0)
    print(own.getsockname()[1], flush=True)
    serve_until_stopped(create_app(service, predictor=Predictor(ledger, shelf, writer, clocks)), own)


@contextmanager
def pawl_server(home: Path, url: str, *, files: bool) -> Iterator[tuple[int, int]]:
    """Pawl in a process of its own; its port and its process id."""
    words = [sys.executable, __file__, "--serve", str(home), "--url", url, *(["--files"] if files else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


@contextmanager
def mlflow_server(venv: Path, model: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """MLflow's own server of the model, as `mlflow models serve` starts it; its port and its process id."""
    binaries = venv.resolve() / "bin"
    subprocess.run(
        [binaries / "python", "-c", SAVE_IN_MLFLOW, model, folder / "mlflow"], check=True, capture_output=True
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [binaries / "mlflow", "models", "serve", "-m", folder / "mlflow", "--env-manager", "local", "-p", str(port)]
    surroundings = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "DO_NOT_TRACK": "true"}
    surroundings.pop("PYTHONPATH", None)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=surroundings) as process:
        try:
            yield port, _listening_child(process.pid, port)
        finally:
            process.terminate()


def _listening_child(parent: int, port: int) -> int:
    """The process that answers, once it does: MLflow's command starts one worker and waits."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
                return int(children[0]) if children else parent
        sleep(0.1)
    raise RuntimeError("MLflow does not answer")


def cpu_sec(pid: int) -> float:
    """What a process has computed so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_single_row(model: object) -> None:
    """Print what one row costs by itself, in µs: rows all different, as they are in a market."""
    import lightgbm as lgb

    booster, rows = lgb.Booster(model_str=model.text), np.array(ROWS)
    ways = {
        "Booster.predict": lambda row: booster.predict(row[None, :], num_threads=1),
        "Trees.predict_one": model.predict_one,
    }
    for name, way in ways.items():
        for label, asked in (("rows differ", rows), ("one row again", np.repeat(rows[:1], len(rows), axis=0))):
            taken = []
            for _ in range(7):
                began = perf_counter()
                for row in asked:
                    way(row)
                taken.append((perf_counter() - began) / len(rows) * 1e6)
            print(f"{name:18} {label:14} {statistics.median(taken):6.1f} µs  (must ≤ 40, aim 25)")


def measure(given: argparse.Namespace, folder: Path) -> None:
    """Print the ratios, and how long a request waits."""
    import uvloop

    from pawl.ledger.identity import identity
    from pawl.ledger.tokens import create_token
    from predict_learner import grown, prepare, workspace_at

    url, model = given.url or f"sqlite:///{folder}/ledger.db", grown()
    measure_single_row(model)
    workspace = workspace_at(folder, url)
    prepare(workspace, model)
    with workspace.versions.ledger.transaction() as tx:
        create_token(tx, TOKEN, identity("user", "bench"), "bench", datetime.now(UTC))
    (folder / "model.txt").write_text(model.text)
    numbers = itertools.count()
    with ExitStack() as stack:
        places: dict[str, tuple[int, int, Ask]] = {}
        if given.mlflow is not None:
            peer = stack.enter_context(mlflow_server(given.mlflow, folder / "model.txt", folder))
            places["mlflow"], places["mlflow-"] = (*peer, ask_mlflow), (*peer, ask_mlflow_bare)
        places["bare"] = (*stack.enter_context(pawl_server(folder, url, files=False)), ask_pawl)
        places["pawl"] = (*stack.enter_context(pawl_server(folder, url, files=True)), ask_pawl)
        for n_clients in CLIENTS:
            rates: dict[str, list[float]] = {name: [] for name in places}
            waits: dict[str, list[float]] = {name: [] for name in places}
            cpu = dict.fromkeys(places, 0.0)
            for number in range(given.rounds + 1):
                for name, (port, pid, ask) in places.items():
                    before = cpu_sec(pid)
                    rate, waited = uvloop.run(load(port, numbers, ask, n_clients, given.seconds if number else 1.0))
                    if number:  # the first warms up
                        rates[name].append(rate)
                        waits[name] += waited
                        cpu[name] += cpu_sec(pid) - before
            report(n_clients, rates, waits, {name: cpu[name] / len(waits[name]) for name in places})


def report(n_clients: int, rates: dict[str, list[float]], waits: dict[str, list[float]], cpu: dict[str, float]) -> None:
    """Print what so many clients saw."""
    for name, of_name in waits.items():
        cuts = statistics.quantiles(of_name, n=100)
        waited = f"p50 {cuts[49] * 1e3:5.2f} ms  p99 {cuts[98] * 1e3:5.2f} ms"
        rate = f"{statistics.median(rates[name]):6.0f} requests/s"
        print(f"{n_clients:2} clients {name:7} {rate}  {waited}  cpu {cpu[name] * 1e3:.3f} ms a request")
    for peer in [name for name in rates if name.startswith("mlflow")]:
        ratios = [mine / base for mine, base in zip(rates["pawl"], rates[peer], strict=True)]
        print(
            f"{n_clients:2} clients {statistics.median(ratios):5.2f} × {peer:7} "
            f"({min(ratios):.2f} to {max(ratios):.2f}; must 4, aim 8)   by CPU {cpu[peer] / cpu['pawl']:.2f}"
        )


def main() -> None:
    """Measure, or serve for a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url")
    parser.add_argument("--mlflow", type=Path, metavar="VENV")
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--files", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.url, files=given.files)
        return
    with tempfile.TemporaryDirectory(prefix="pawl-bench-", dir=Path.cwd()) as folder:
        measure(given, Path(folder))


if __name__ == "__main__":
    main()
