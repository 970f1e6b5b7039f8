"""`pawl dataset`: what it prints, what it answers with --json, and how it leaves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset_world import World, crowd
from pawl.cli.main import run
from pawl.evaluation.costs import Costs
from pawl.ids import DatasetHash
from pawl.jobs.training_data import TrainingData, TrainingOrder, dataset_of, rebuilt_hash
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import record_dataset
from pawl.market.limits import QualityLimits
from small_workspace import DAILY, NOW, TO, fill

SETTINGS = """
[passport.sft]
min_per_regime = 10
[passport.dataset]
min_gap_hours = 12
"""
WINDOW = ["--from", "2024-03-01", "--to", "2024-04-10"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a crowd has decided."""
    made = tmp_path_factory.mktemp("home")
    ledger = Ledger.open(made)
    World(ledger, made).tell(crowd())
    ledger.close()
    (made / "settings.toml").write_text(SETTINGS)
    return made


def ask(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run(["dataset", *arguments, "--home", str(home), "--json"])
    return code, json.loads(capsys.readouterr().out)


def say(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(["dataset", *arguments, "--home", str(home)])
    return code, capsys.readouterr().out


@pytest.fixture
def sft(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    code, built = ask(home, capsys, "build", "sft", *WINDOW)
    assert code == 0
    return built


def test_build_answers_with_id_hash_count_and_quality(home: Path, sft: Any, capsys: Any) -> None:
    assert set(sft) == {"dataset_version_id", "hash", "sample_count", "quality"}
    assert len(sft["hash"]) == 64
    assert sft["sample_count"] == sum(sft["quality"]["samples"]["by_split"].values())
    code, again = ask(home, capsys, "build", "sft", *WINDOW)
    assert (code, again) == (0, sft)
    assert (home / "datasets" / sft["dataset_version_id"] / "rows.parquet").exists()


def test_verify_says_identical_by_any_unique_beginning_of_the_id(home: Path, sft: Any, capsys: Any) -> None:
    code, found = ask(home, capsys, "verify", sft["dataset_version_id"][:8])
    assert code == 0
    assert found["identical"] is True
    assert found["hash"] == found["rebuilt_hash"] == sft["hash"]
    code, text = say(home, capsys, "verify", sft["dataset_version_id"])
    assert code == 0
    assert text.startswith("identical: sft ")


def test_verify_exits_1_where_the_rows_are_not_what_they_were(home: Path, sft: Any, capsys: Any) -> None:
    path = home / "datasets" / sft["dataset_version_id"] / "rows.parquet"
    kept = path.read_bytes()
    path.chmod(0o644)
    code, other = ask(home, capsys, "build", "pretrain", *WINDOW)
    path.write_bytes((home / "datasets" / other["dataset_version_id"] / "rows.parquet").read_bytes())
    code, found = ask(home, capsys, "verify", sft["dataset_version_id"])
    assert (code, found["identical"], found["file"]) == (1, False, "changed")
    code, text = say(home, capsys, "verify", sft["dataset_version_id"])
    assert code == 1
    assert "not identical" in text
    path.write_bytes(kept)


def test_ls_show_and_diff(home: Path, sft: Any, capsys: Any) -> None:
    _, other = ask(home, capsys, "build", "sft", *WINDOW, "--cut", "2024-04-01")
    code, listed = ask(home, capsys, "ls")
    assert code == 0
    assert {sft["dataset_version_id"], other["dataset_version_id"]} <= {one["dataset_version_id"] for one in listed}
    code, shown = ask(home, capsys, "show", sft["dataset_version_id"])
    assert (code, shown["quality"], shown["hash"]) == (0, sft["quality"], sft["hash"])
    assert shown["filters"]["settings"]["sft"]["min_per_regime"] == 10
    code, found = ask(home, capsys, "diff", sft["dataset_version_id"], other["dataset_version_id"])
    assert (code, found["same_rows"]) == (0, False)
    assert "filters.cut_at" in {one["name"] for one in found["differences"]}
    code, found = ask(home, capsys, "diff", sft["dataset_version_id"], sft["dataset_version_id"])
    assert (found["same_rows"], found["differences"]) == (True, [])


def test_the_texts_end_in_the_next_command(home: Path, sft: Any, capsys: Any) -> None:
    short = sft["dataset_version_id"][:8]
    _, text = say(home, capsys, "build", "sft", *WINDOW)
    lines = text.splitlines()
    assert lines[0] == f"stands already: sft {short}: {sft['sample_count']} samples, hash {sft['hash'][:12]}"
    assert lines[-1] == f"Next: pawl dataset verify {short}"
    assert any(line.startswith("training ") and "evaluation" in line for line in lines)
    _, text = say(home, capsys, "show", short)
    assert text.splitlines()[-1] == f"All of it: --json. Next: pawl dataset verify {short}"
    _, text = say(home, capsys, "ls")
    assert text.splitlines()[-1].startswith("Next: pawl dataset show ")


def test_pass_r16_add_text_refuses_a_text_without_a_licence(home: Path, capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "text.md"
    path.write_text("Funding is settled every eight hours.")
    code, found = ask(home, capsys, "add-text", str(path), "--source", "a book")
    assert code == 1
    assert "licence" in found["error"]["what"]
    code, found = ask(home, capsys, "add-text", str(path), "--source", "a book", "--licence", "CC0-1.0")
    assert (code, found["licence"]) == (0, "CC0-1.0")
    assert ask(home, capsys, "add-text", str(tmp_path / "none.md"), "--source", "x", "--licence", "y")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["build", "supervised", *WINDOW], 2),
        (["build", "sft", "--from", "2024-04-10", "--to", "2024-03-01"], 2),
        (["build", "sft", "--from", "2020-01-01", "--to", "2020-02-01"], 1),
        (["build", "sft", *WINDOW, "--cut", "2999-01-01"], 1),
        (["verify", "ffffffff"], 2),
        (["show", "../../etc/passwd"], 2),
        (["show", ""], 2),
    ],
)
def test_what_cannot_be_answered_leaves_with_its_code(home: Path, capsys: Any, arguments: list[str], code: int) -> None:
    found, answer = ask(home, capsys, *arguments)
    assert found == code
    assert answer["error"]["fix"]


def test_the_dataset_of_a_training_is_verified_from_its_bars(tmp_path: Path, capsys: Any) -> None:
    workspace = Workspace.at(tmp_path)
    fill(workspace)
    learner = M002()
    order = TrainingOrder(to=TO, now=NOW, seed=7, costs=Costs(), limits=QualityLimits())
    bars = workspace.silver.scan(DAILY, None).collect()
    read = TrainingData(
        bars=bars, left_out={}, content_hash=DatasetHash("0" * 64), read_until=TO, first_allowed=TO
    )  # fmt: skip
    made = dataset_of(learner, order, read)
    true = replace(made, content_hash=rebuilt_hash(workspace.silver, learner.spec, made.filters))
    with Ledger.open(tmp_path).transaction() as tx:
        wrong_id, true_id = record_dataset(tx, made, NOW), record_dataset(tx, true, NOW)
    code, found = ask(tmp_path, capsys, "verify", str(true_id))
    assert (code, found["identical"]) == (0, True)
    code, found = ask(tmp_path, capsys, "verify", str(wrong_id))
    assert (code, found["identical"]) == (1, False)
    assert found["rebuilt_hash"] == true.content_hash
    assert ask(tmp_path, capsys, "show", str(true_id))[1]["dataset_type"] == "supervised"
    assert say(tmp_path, capsys, "show", str(true_id))[0] == 0
