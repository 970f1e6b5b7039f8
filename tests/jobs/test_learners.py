"""Finding learners: shipped, from a file, or unknown (tests/test_own_learner.py goes the whole way)."""

from pathlib import Path

import pytest

from pawl.errors import NotFoundError, SettingsError
from pawl.jobs.learners import find_learner
from pawl.learners.m002 import M002

SHIPPED = {"m002": M002()}


def test_a_shipped_learner_is_the_configured_one() -> None:
    assert find_learner("m002", SHIPPED, {}) is SHIPPED["m002"]


def test_a_file_s_learner_is_made_by_its_function(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from pawl.learners.m002 import M002\n\ndef learner():\n    return M002()\n")
    assert find_learner("mine", SHIPPED, {"mine": file}).spec.name == "m002"


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as told:
        find_learner("other", SHIPPED, {"mine": tmp_path / "mine.py"})
    assert told.value.fix == "known learners: m002, mine"


@pytest.mark.parametrize("name", ["gone.py", "notes.txt"])
def test_a_file_that_cannot_be_python_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no code")
    with pytest.raises(SettingsError):
        find_learner("mine", SHIPPED, {"mine": tmp_path / name})
