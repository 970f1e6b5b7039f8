"""What `pawl up` refuses before it opens anything."""

from pathlib import Path

import pytest

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
