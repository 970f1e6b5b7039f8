"""What `pawl up` refuses before it opens anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from pawl.cli.live_world import LiveChoice
from pawl.cli.main import run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "yfinance", "--speed", "max"), "real data cannot come faster"),
        (("--speed", "fast"), "is no speed"),
        (("--role", "signals", "--speed", "max"), "share a clock"),
        (("--role", "signals"), "one SQLite file"),
        (("--data", "nowhere"), "no live source `nowhere`"),
        (("--data", "binance"), "no live source `binance`"),  # an archive, a day behind
        (("--data", "ccxt"), "ccxt:EXCHANGE"),
    ],
)
def test_what_cannot_be_run_is_said(
    tmp_path: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", "m002", "--home", str(tmp_path), *arguments]) == 2
    assert words in "".join(capsys.readouterr())


def test_no_two_loops_of_a_machine_take_each_others_events() -> None:
    """A consumer that comes back begins with what its name was given: another loop's, if they were called the same."""
    choice = LiveChoice(learner="m002", data="simulated", tickers=None, speed=1.0, length=None, seed=1, role="all",
                        host="127.0.0.1", port=8000)  # fmt: skip
    others = (replace(choice, learner="reversal"), replace(choice, role="worker"))
    assert len({choice.consumer, *(one.consumer for one in others)}) == 3
    assert replace(choice, port=8001, seed=2).consumer == choice.consumer
