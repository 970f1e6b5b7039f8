"""`pawl promote`, `pawl rollback` and `pawl gate judge`: the alias moves by a verdict, and goes back."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import day, judged, loop_came_to, promoted, trained, verdict
from pawl.cli.main import run
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.live_log import live_entries
from pawl.ledger.model_versions import champion
from pawl.ledger.version_tables import deployment_log
from small_workspace import NOW, Ask, prepare


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trained versions; the tests below run in order and move the alias between them."""
    home = prepare(tmp_path_factory.mktemp("served"))
    for to in ("2022-08-01", "2022-10-01"):
        assert run(["train", "m002", "--to", to, "--home", str(home), "--json"]) == 0
    return home


def moves(home: Path) -> list[tuple[str, str]]:
    with Ledger.open(home).reading() as tx:
        c = deployment_log.c
        return [
            (row.what, row.to_version) for row in tx.execute(sa.select(c.what, c.to_version).order_by(c.move_number))
        ]


def pass_gate(home: Path, version: str) -> None:
    """A verdict that lets the version pass against what serves now; the market does not grant one here."""
    with Ledger.open(home).transaction() as tx:
        found = NewEvaluation(
            version=ModelVersion(version), baseline=champion(tx, "m002"), verdict=verdict(), figures={}
        )
        record_evaluation(tx, found, NOW)


def test_a_first_version_is_promoted_by_its_verdict(home: Path, ask: Ask) -> None:
    code, answer = ask(home, "promote", "m002-1.0")
    assert code == 0
    assert (answer["learner"], answer["from"], answer["to"]) == ("m002", None, "m002-1.0")
    assert ask(home, "promote", "m002-1.0")[0] == 1


def test_a_verdict_from_before_anything_served_promotes_nothing(home: Path, ask: Ask) -> None:
    code, answer = ask(home, "promote", "m002-1.1")
    assert code == 1
    assert "measured against nothing" in answer["error"]["what"]
    assert moves(home) == [("promote", "m002-1.0")]


def test_judged_again_it_is_refused_with_reasons_and_stays(home: Path, ask: Ask) -> None:
    code, answer = ask(home, "gate", "judge", "m002-1.1")
    assert code == 1
    assert (answer["version"], answer["champion"], answer["passed"]) == ("m002-1.1", "m002-1.0", False)
    code, refused = ask(home, "promote", "m002-1.1")
    assert code == 1
    assert "the gate refused" in refused["error"]["what"]


def test_a_version_that_was_never_judged_is_refused(tmp_path: Path, ask: Ask) -> None:
    with Ledger.open(tmp_path).transaction() as tx:
        trained(tx, "m002-1.0")
    code, answer = ask(tmp_path, "promote", "m002-1.0")
    assert code == 1
    assert answer["error"]["fix"] == "pawl gate judge m002-1.0"


def test_a_promotion_has_the_time_of_the_loop_and_not_of_the_day(
    tmp_path: Path, sqlite_ledger: Ledger, ask: Ask
) -> None:
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
        judged(tx, "m002-1.1", on=2)
        loop_came_to(tx, day(3))
    assert ask(tmp_path, "promote", "m002-1.1")[0] == 0
    with sqlite_ledger.reading() as tx:
        moved, (act,) = list_deployments(tx, "m002")[-1], live_entries(tx, "m002", "act")
    assert (moved.to_version, moved.at) == ("m002-1.1", day(3))
    assert (act.name, act.at) == ("promote", day(3))


def test_there_is_no_way_to_force_it(home: Path, ask: Ask) -> None:
    assert ask(home, "promote", "m002-1.1", "--force")[0] == 2
    assert moves(home) == [("promote", "m002-1.0")]


def test_after_a_passing_verdict_it_serves_and_one_command_goes_back(home: Path, ask: Ask) -> None:
    pass_gate(home, "m002-1.1")
    assert ask(home, "promote", "m002-1.1")[0] == 0
    code, answer = ask(home, "rollback", "m002", "--reason", "it lost money")
    assert code == 0
    assert {*answer} == {"learner", "from", "to", "golden_identical", "seconds"}
    assert (answer["from"], answer["to"], answer["golden_identical"]) == ("m002-1.1", "m002-1.0", True)
    assert moves(home) == [("promote", "m002-1.0"), ("promote", "m002-1.1"), ("rollback", "m002-1.0")]
    code, nothing = ask(home, "rollback", "m002")
    assert code == 1
    assert "nothing served before" in nothing["error"]["what"]


@pytest.mark.parametrize("arguments", [["promote", "m002-9.9"], ["rollback", "nope"], ["gate", "judge", "m002-9.9"]])
def test_what_is_not_there_is_told(home: Path, ask: Ask, arguments: list[str]) -> None:
    code, answer = ask(home, *arguments)
    assert code == 2
    assert answer["error"]["code"] == "not_found"


@pytest.mark.parametrize("arguments", [["promote", "m002-1.0"], ["rollback", "m002"], ["gate", "judge", "m002-1.0"]])
def test_an_empty_workspace_is_told_and_stays_empty(tmp_path: Path, ask: Ask, arguments: list[str]) -> None:
    assert ask(tmp_path, *arguments)[0] == 2
    assert list(tmp_path.iterdir()) == []
