"""Which ledger a question is put to."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pawl.errors import NotFoundError, SettingsError
from pawl.jobs.ledgers import has_ledger, ledger_of, open_ledger
from pawl.jobs.overview import overview
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger
from pawl.settings import Settings


def test_the_workspace_and_each_replay_have_a_ledger_of_their_own(tmp_path: Path) -> None:
    place = Settings(home=tmp_path)
    Ledger.open(tmp_path)
    Ledger.open(tmp_path / "replays" / "abc-1")
    assert open_ledger(place, None).engine.url.database == str(tmp_path / "ledger.db")
    assert open_ledger(place, "abc-1").engine.url.database == str(tmp_path / "replays" / "abc-1" / "ledger.db")
    for name in ("abc-2", "..", "", "abc-1/../abc-1"):
        with pytest.raises(NotFoundError, match="no replay"):
            open_ledger(place, name)


def test_a_database_that_is_named_takes_the_place_of_the_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = Settings(home=home, ledger_url=SecretStr(f"sqlite:///{tmp_path / 'elsewhere.db'}"))
    assert has_ledger(place)
    ledger = ledger_of(place)
    assert ledger.engine.url.database == str(tmp_path / "elsewhere.db")
    assert Workspace.at(home, ledger).versions.ledger is ledger
    assert overview(place).learners == ()
    assert not home.exists()


@pytest.mark.parametrize("url", ["no url with hunter2", "postgresql://ann@host/ledger?password=hunter2"])
def test_a_url_that_names_no_database_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    place = Settings(home=tmp_path, ledger_url=SecretStr(url))
    assert "hunter2" not in repr(place)
    with pytest.raises(SettingsError, match="PAWL_DATABASE_URL") as caught:
        ledger_of(place)
    assert "hunter2" not in str(caught.value)


def test_a_postgres_url_is_driven_by_psycopg(tmp_path: Path) -> None:
    place = Settings(home=tmp_path, ledger_url=SecretStr("postgres://ann:hunter2@127.0.0.1:1/ledger"))
    with pytest.raises(Exception, match="does not answer") as caught:
        ledger_of(place)
    assert "hunter2" not in str(caught.value)
