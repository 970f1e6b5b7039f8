"""`pawl demo` from its first word to the page in a browser, on a shrunken market."""

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from browser import Page
from pawl.cli.main import run
from small_workspace import shrink_demo


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "demo"
    home.mkdir()
    (home / "settings.toml").write_text("n_jobs = 1\n")
    return home


@pytest.fixture(scope="module")
def printed(home: Path) -> str:
    """What a person reads."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        shrink_demo(patch)
        assert run(["demo", "--home", str(home)]) == 0
    return said.getvalue()


def test_a_newcomer_reads_what_is_done_what_came_of_it_and_what_to_try_next(home: Path, printed: str) -> None:
    assert printed.startswith("Pawl demo, offline: 2 simulated tickers, 800 daily bars each.")
    assert "three policies use the same ones" in printed
    assert "The gate was" in printed
    assert "gated minus frozen" in printed
    assert "1,600 bars of 2 tickers checked, 0 failed" in printed
    assert "0 changed when their future was cut" in printed
    assert re.search(r"4 versions, \d+ s", printed)
    assert f"Open {home / 'report.html'}" in printed
    assert "Next: pawl gate explain m002-1.3 --replay" in printed
    assert f"--home {home}" in printed


def test_a_program_reads_one_object(home: Path, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        assert run(["demo", "--home", str(home), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"tickers", "proof", "policies", "differences", "versions", "ledger_hash", "report", "seconds"} <= {*answer}
    assert answer["tickers"] == ["ALPHA", "BRAVO"]
    assert answer["proof"]["mismatches"] == 0
    assert [one["version"] for one in answer["versions"]] == [f"m002-1.{number}" for number in range(4)]
    assert Path(answer["report"]).is_file()


def test_the_page_opens_in_chromium_without_an_error_or_an_outside_request(
    home: Path, printed: str, chromium: Page
) -> None:
    page = home / "report.html"
    chromium.show(width=1280)
    chromium.goto(page.as_uri())
    chromium.wait_for("'drawn' in document.documentElement.dataset")
    chromium.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    chromium.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert chromium.requests == [page.as_uri()]
    assert chromium.problems == []
    assert "demo profile" in chromium.evaluate("document.body.innerText")
    drawn = chromium.evaluate("document.querySelectorAll('#chart-equity .cartesianlayer .js-line').length")
    assert drawn >= 6, "three policies, as equity and as drawdown"
