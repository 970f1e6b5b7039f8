"""`pawl token`: shown once, listed without itself, and ended."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.tokens import user_of


def _ask(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(["token", *words, "--home", str(home)])
    return code, capsys.readouterr().out


def test_a_token_is_shown_once_and_then_never(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = _ask(tmp_path, capsys, "create", "ann", "--json")
    made = json.loads(text)
    assert code == 0 and made["token"].startswith("pawl_") and len(made["token"]) == 48
    with Ledger.open(tmp_path).reading() as tx:
        assert user_of(tx, made["token"]) == UUID(made["user_id"])
    for words in (("ls",), ("ls", "--json"), ("revoke", "ann")):
        code, text = _ask(tmp_path, capsys, *words)
        assert code == 0 and "ann" in text and made["token"] not in text
    with Ledger.open(tmp_path).reading() as tx:
        assert user_of(tx, made["token"]) is None
    (row,) = json.loads(_ask(tmp_path, capsys, "ls", "--json")[1])
    assert row["revoked_at"] and row["user_id"] == made["user_id"]


def test_a_user_may_hold_several_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = str(identity("user", "ann"))
    made = [json.loads(_ask(tmp_path, capsys, "create", name, "--user", user, "--json")[1]) for name in ("a", "b")]
    assert {one["user_id"] for one in made} == {user} and made[0]["token"] != made[1]["token"]


def test_an_empty_workspace_has_no_tokens_and_stays_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = _ask(tmp_path / "home", capsys, "ls")
    assert code == 0 and "pawl token create NAME" in text
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "words", [("create", "ann", "--user", "me"), ("revoke", "nobody"), ("create", " "), ("create", "a\x1b")]
)
def test_what_is_no_user_token_or_name_is_bad_input(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(["token", *words, "--home", str(tmp_path)]) == 2
