"""The documents say what is there: every command, setting and dependency, and no link or command that leads nowhere."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import commands_doc
import settings_doc
from pawl.cli.feature_tables import declarations_markdown
from pawl.cli.main import app
from pawl.evaluation.trading import TradingMetrics
from pawl.features.sets import FEATURE_SETS
from pawl.jobs.live.monitoring_gauges import GAUGES
from pawl.serving.live_metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_command_says_what_it_does() -> None:
    assert [path for path, command in commands_doc.commands().items() if not (command.help or "").strip()] == []


def test_every_option_of_every_command_says_what_it_does() -> None:
    silent = [
        f"{path} {option.name}"
        for path, command in commands_doc.commands().items()
        for option in command.params
        if not (getattr(option, "help", None) or "").strip()
    ]
    assert silent == []


def test_every_command_takes_home_and_json() -> None:
    def names(command: object) -> set[str]:
        return {option for each in getattr(command, "params", []) for option in each.opts}

    lacking = {path: {"--home", "--json"} - names(command) for path, command in commands_doc.commands().items()}
    assert {path: missing for path, missing in lacking.items() if missing} == {}


def test_every_group_says_what_it_holds() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    groups = {name: child for name, child in root.commands.items() if isinstance(child, TyperGroup)}
    assert [name for name, group in groups.items() if not group.help] == []


GENERATED = {page.PAGE.name: (page.PAGE, page.render) for page in (commands_doc, settings_doc)}
GENERATED["features.md"] = (ROOT / "docs" / "features.md", lambda: declarations_markdown(FEATURE_SETS["m002"]))


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    path, render = GENERATED[name]
    assert _text(path) == render(), f"docs/{name} is stale: make docs"


def test_every_setting_has_a_meaning() -> None:
    assert [".".join(path) for path, field in settings_doc.keys() if not field.description] == []


def test_every_setting_stands_in_the_page() -> None:
    page = _text(settings_doc.PAGE)
    assert [path for path, _ in settings_doc.keys() if f"| `{path[-1]}` |" not in page] == []


MEASURED_IN = ("jobs/evaluation.py", "learners/m002.py", "learners/reversal.py", "models/regime_classifier.py")


def _measured(path: Path) -> Iterator[str]:
    """Names of metrics: keys of the dicts that are called metrics, or returned by a function named after them."""
    for node in ast.walk(ast.parse(_text(path))):
        holds = (
            (isinstance(node, ast.keyword) and node.arg == "metrics")
            or (isinstance(node, ast.Assign) and "metrics" in ast.unparse(node.targets[0]))
            or (isinstance(node, ast.FunctionDef) and node.name.endswith("_metrics"))
        )
        dicts = [each for each in ast.walk(node) if isinstance(each, ast.Dict)] if holds else []
        yield from (str(key.value) for each in dicts for key in each.keys if isinstance(key, ast.Constant))


def test_every_metric_of_a_loop_stands_in_the_page() -> None:
    page = _text(ROOT / "docs" / "metrics.md")
    assert [name for name in {**METRICS, **GAUGES} if f"`{name}`" not in page] == []


def test_every_metric_says_what_it_means() -> None:
    page = _text(ROOT / "docs" / "metrics.md")
    rows = re.findall(r"^\| (`[^|]*) \|", page, flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    named = {field.name for field in fields(TradingMetrics)}
    named |= {name for path in MEASURED_IN for name in _measured(ROOT / "src" / "pawl" / path)}
    assert {
        "sharpe",
        "deflated_sharpe",
        "regime_accuracy",
        "average_precision",
        "n_head_rows",
        "non_hold_recall",
    } <= named
    assert named - documented == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    required = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in required}
    documented = set(re.findall(r"^\| `([^`]+)` \|", _text(ROOT / "docs" / "dependencies.md"), flags=re.MULTILINE))
    assert names - documented == set(), "in pyproject.toml, without a reason"
    assert documented - names == set(), "a reason for what is not in pyproject.toml"


def test_every_room_stands_in_the_plan_of_the_house() -> None:
    plan = _text(ROOT / "docs" / "architecture.md")
    rooms = [folder.name for folder in (ROOT / "src" / "pawl").iterdir() if (folder / "__init__.py").exists()]
    assert [room for room in rooms if f"`{room}/`" not in plan] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", _text(page))
    inside = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in inside if not (page.parent / target).exists()] == []


def _typed(page: Path) -> list[str]:
    """Lines of code blocks that begin with `pawl`, and inline code that does."""
    blocks = re.findall(r"^```(?:sh|bash|console|text)?\n(.*?)^```", _text(page), flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`(pawl [^`]+)`", _text(page))
    return [text for text in [*lines, *inline] if text.startswith("pawl ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_document_exists(page: Path) -> None:
    known = set(commands_doc.commands())
    groups = {" ".join(path.split()[:n]) for path in known for n in (1, 2)}

    def exists(text: str) -> bool:
        words = [word for word in text.split() if not word.startswith("-")]
        path = next((p for p in (" ".join(words[:3]), " ".join(words[:2])) if p in known | groups), None)
        return path is not None or words == ["pawl"] or words[1:2] == ["COMMAND"]

    assert [text for text in _typed(page) if not exists(text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_in_a_document_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", _text(ROOT / "Makefile"), flags=re.MULTILINE))
    named = re.findall(r"`make ([a-z]+)", _text(page)) + re.findall(r"^make ([a-z]+)", _text(page), flags=re.MULTILINE)
    assert set(named) - targets == set()
