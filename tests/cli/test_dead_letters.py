"""`pawl dead-letters` where nothing was ever recorded; the rest stands with `pawl worker` in test_worker.py."""

from pathlib import Path

from pawl.cli.main import run


def test_an_empty_workspace_has_no_letters_and_is_told_so(tmp_path: Path) -> None:
    assert run(["dead-letters", "ls", "--home", str(tmp_path)]) == 2
