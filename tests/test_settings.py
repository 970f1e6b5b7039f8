"""The settings tree: what stands in a file, what may not, and where the workspace lies."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.errors import SettingsError
from pawl.settings import Settings, load_settings, workspace_root

# Each takes a tenth of a second to ten seconds to import; settings are read by every command.
HEAVY = {"polars", "numpy", "numba", "torch", "lightgbm", "pandas", "sklearn", "sqlalchemy", "dataframely"}


def _loaded_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh process has loaded after some code."""
    program = f"import sys\n{code}\nprint(*({HEAVY!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(shown.stdout.splitlines()[-1].split())


def _workspace(folder: Path, text: str) -> Path:
    (folder / "settings.toml").write_text(text)
    return folder


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings(home=tmp_path)


def test_what_stands_in_the_file_replaces_its_default_and_nothing_else(tmp_path: Path) -> None:
    settings = load_settings(_workspace(tmp_path, "seed = 11\n[costs]\nfee_bps = 1.5\n"))
    default = Settings(home=tmp_path)
    assert (settings.seed, settings.costs.fee_bps) == (11, 1.5)
    assert (settings.n_jobs, settings.costs.slippage_bps) == (default.n_jobs, default.costs.slippage_bps)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("sed = 11\n", "sed"),
        ("[costs]\nfee = 1.5\n", "costs.fee"),
        ("[m002.policy]\nlambda = 1\n", "m002.policy.lambda"),
        ("n_jobs = 0\n", "n_jobs"),
        ('seed = "seven"\n', "seed"),
        ("[costs]\nfee_bps = -1.0\n", "costs.fee_bps"),
        ("[costs]\nfee_bps = nan\n", "costs.fee_bps"),
        ("[quality]\nmax_missing_share = 1.5\n", "quality.max_missing_share"),
    ],
)
def test_a_key_that_is_unknown_or_out_of_bounds_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(_workspace(tmp_path, text))
    assert f"`{key}`" in caught.value.what
    assert caught.value.where == str(tmp_path / "settings.toml")
    assert "docs/settings.md" in caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["seed = \n", "seed = 1\nseed = 2\n", "[costs\n"])
def test_a_file_that_is_not_toml_is_an_error_of_its_own(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(_workspace(tmp_path, text))


def test_bytes_that_are_not_text_are_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load_settings(tmp_path)


def test_the_workspace_cannot_be_named_inside_itself(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`home`"):
        load_settings(_workspace(tmp_path, 'home = "/elsewhere"\n'))


def test_the_database_comes_from_the_environment_and_from_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWL_DATABASE_URL", "postgresql://ann:hunter2@host/ledger")
    found = load_settings(tmp_path)
    assert found.ledger_url is not None and found.ledger_url.get_secret_value().endswith("hunter2@host/ledger")
    assert "hunter2" not in repr(found) + str(found.model_dump()) + found.model_dump_json()
    monkeypatch.setenv("PAWL_DATABASE_URL", "")
    assert load_settings(tmp_path).ledger_url is None
    with pytest.raises(SettingsError, match="ledger_url") as caught:
        load_settings(_workspace(tmp_path, 'ledger_url = "postgresql://ann:hunter2@host/ledger"\n'))
    assert "hunter2" not in str(caught.value)


def test_the_option_wins_over_the_variable_and_the_variable_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWL_HOME", str(tmp_path / "variable"))
    assert workspace_root(tmp_path / "option") == tmp_path / "option"
    assert workspace_root(None) == tmp_path / "variable"
    monkeypatch.setenv("PAWL_HOME", "")
    assert workspace_root(None) == Path("pawl-home")
    monkeypatch.delenv("PAWL_HOME")
    assert workspace_root(None) == Path("pawl-home")


def test_settings_do_not_change_after_they_are_read(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    with pytest.raises(ValidationError):
        settings.seed = 8  # type: ignore[misc]  # that is the point


@given(st.integers())
def test_n_jobs_is_taken_within_its_bounds_alone(n_jobs: int) -> None:
    if 1 <= n_jobs <= 256:
        assert Settings(n_jobs=n_jobs).n_jobs == n_jobs
    else:
        with pytest.raises(ValidationError):
            Settings(n_jobs=n_jobs)


def test_the_settings_load_nothing_heavy() -> None:
    assert _loaded_by("import pawl.settings") == set()


def test_listing_an_empty_workspace_loads_frames_and_nothing_else_that_is_heavy(tmp_path: Path) -> None:
    command = ["data", "ls", "--home", str(tmp_path / "home")]
    assert _loaded_by(f"from pawl.cli.main import run\nassert run({command!r}) == 0") <= {"polars", "numpy"}
