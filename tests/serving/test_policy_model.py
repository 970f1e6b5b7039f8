"""A serving model that is down, slow, or talks nonsense: there is an answer all the same."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import TypeVar

import httpx
import pytest

from pawl.policy.action import Action
from pawl.policy.plan import NEUTRAL, plan_payload
from pawl.policy.risk_rules import RiskLimits, broken_rules
from pawl.serving.policy_model import AnalystAnswer, ModelPort, PolicyAnswer, ask_analyst, ask_policy

PLAN = {
    **plan_payload(NEUTRAL),
    "direction": "long",
    "risk_plan": {"sl_bps": 120, "max_position_pct": 8},
    "confidence": 0.71,
}
LIMIT_SEC = 0.5
Answer = TypeVar("Answer", PolicyAnswer, AnalystAnswer)


class _Model(BaseHTTPRequestHandler):
    """Behaves as its path says."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        how = self.path[1:]
        if how in SAID:
            self.say(*SAID[how])
        else:
            BEHAVED[how](self)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def say(self, text: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _away(model: _Model) -> None:
    model.send_response(302)
    model.send_header("Location", "/plan")
    model.end_headers()


def _dripping(model: _Model) -> None:
    model.send_response(200)
    model.end_headers()
    for _ in range(30):
        model.wfile.write(b" ")
        sleep(LIMIT_SEC / 5)


def _hanging_up(model: _Model) -> None:
    model.send_response(200)
    model.send_header("Content-Length", "1000")
    model.end_headers()
    model.wfile.write(b"{")


SAID: dict[str, tuple[bytes] | tuple[bytes, int]] = {
    "plan": (json.dumps(PLAN).encode(),),
    "report": (b'{"report": "You close late."}',),
    "fault": (json.dumps(PLAN).encode(), 500),
    "nonsense": (b"I would go long here!",),
    "nan": (json.dumps({**PLAN, "confidence": float("nan")}).encode(),),
    "no_stop": (json.dumps({**PLAN, "risk_plan": {"sl_bps": 0, "max_position_pct": 8}}).encode(),),
    "bytes": (b"\xff\xfe\x00",),
    "brackets": (b"[" * 100_000,),
    "empty": (b"",),
    "blank": (b'{"report": "  "}',),
    "endless": (b" " * (2**20 + 1),),
}
BEHAVED: dict[str, Callable[[_Model], object]] = {
    "away": _away,
    "slow": lambda model: sleep(3 * LIMIT_SEC),
    "dripping": _dripping,
    "hanging_up": _hanging_up,
    "no_http": lambda model: model.wfile.write(b"hello\r\n\r\n"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with _served() as found:
        yield found


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that have gone are part of the test
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ask(ask: Callable[[ModelPort, dict[str, object]], Awaitable[Answer]], url: str) -> Answer:
    async def once() -> Answer:
        async with httpx.AsyncClient() as client:
            return await ask(ModelPort(client=client, url=url, timeout_sec=LIMIT_SEC), {"ticker": "BTCUSDT"})

    return asyncio.run(once())


def _policy(url: str) -> PolicyAnswer:
    return _ask(ask_policy, url)


def _analyst(url: str) -> AnalystAnswer:
    return _ask(ask_analyst, url)


def test_a_model_that_serves_is_listened_to(url: str) -> None:
    said = _policy(f"{url}/plan")
    assert (said.reading.plan.direction, said.reading.plan.confidence, said.outage) == (Action.LONG, 0.71, None)
    assert _analyst(f"{url}/report") == AnalystAnswer(report="You close late.")


OUTAGES = ["fault", "away", "endless", "slow", "dripping", "hanging_up", "no_http"]


@pytest.mark.parametrize("how", OUTAGES)
def test_pass_r44_with_serving_down_pm_is_neutral_and_am_has_no_report(url: str, how: str) -> None:
    """PASS-R44, what the models answer: neutral and no report, in time, and no breach: nothing was said."""
    started = monotonic()
    policy, analyst = _policy(f"{url}/{how}"), _analyst(f"{url}/{how}")
    assert monotonic() - started < 2 * LIMIT_SEC + 20  # some of them never end by themselves
    assert policy.reading.plan == NEUTRAL
    assert plan_payload(policy.reading.plan)["direction"] == "neutral"
    assert policy.outage and analyst.outage
    assert not policy.reading.is_invalid_output
    assert analyst.report is None


def test_pass_r44_a_model_that_is_nowhere(url: str) -> None:
    """PASS-R44, nobody listens, or there is no such machine."""
    with _served() as gone:
        pass
    for where in (gone, "http://pawl.invalid:1", "no url"):
        assert (_policy(where).reading.plan, _analyst(where).report) == (NEUTRAL, None)
        assert _policy(where).outage


@pytest.mark.parametrize("how", ["nonsense", "nan", "no_stop", "bytes", "brackets", "empty", "report"])
def test_pass_r25_an_answer_that_breaks_the_contract_is_neutral_and_counted(url: str, how: str) -> None:
    """PASS-R25, through HTTP: invalid output becomes neutral, with its fault, and is a breach of the risk rules."""
    said = _policy(f"{url}/{how}")
    assert (said.reading.plan, said.outage) == (NEUTRAL, None)
    assert said.reading.fault
    assert "invalid_output" in broken_rules(said.reading.exposure(1.0), RiskLimits())


@pytest.mark.parametrize("how", ["nonsense", "bytes", "brackets", "empty", "blank", "plan"])
def test_an_analyst_that_says_no_report_gives_none(url: str, how: str) -> None:
    said = _analyst(f"{url}/{how}")
    assert said.report is None
    assert said.outage
