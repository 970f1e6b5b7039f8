"""What ruff cannot see: budgets, names of files, where tests lie, what `__all__` names, which lines have a test."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC, TESTS, SCRIPTS = ROOT / "src" / "pawl", ROOT / "tests", ROOT / "scripts"
MAX_LINES, MAX_METHODS = 400, 15
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
# What takes seconds to import, and what only a command that computes needs: `pawl --help` answers without any of it.
HEAVY = ("polars", "torch", "numba", "lightgbm", "pandas", "sklearn", "scipy", "plotly", "exchange_calendars", "numpy")
# Distribution names whose package is called something else.
IMPORT_NAMES = {"scikit-learn": "sklearn"}


def _files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _none(found: Iterable[object]) -> None:
    """Fail with all that was found, a line each."""
    lines = sorted(map(str, found))
    assert not lines, "\n".join(["", *lines])


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef))


def _modules() -> list[Path]:
    """Every module but the empty ones; a step of a migration is tested by running them all."""
    return [path for path in _files(SRC) if path.name != "__init__.py" and "migrations" not in path.parts]


def test_every_file_fits_its_budget_of_lines() -> None:
    lines = {_name(path): len(path.read_text().splitlines()) for path in _files(SRC, TESTS, SCRIPTS, ROOT / "bench")}
    _none(f"{name}: {n} lines" for name, n in lines.items() if n > MAX_LINES)


def test_every_class_fits_its_budget_of_methods() -> None:
    def n_methods(node: ast.ClassDef) -> int:
        return sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body)

    counts = {f"{_name(path)} {node.name}": n_methods(node) for path in _files(SRC, TESTS) for node in _classes(path)}
    _none(f"{name}: {n} methods" for name, n in counts.items() if n > MAX_METHODS)


def test_no_file_is_a_drawer_for_everything() -> None:
    _none(_name(path) for path in _files(SRC, TESTS, SCRIPTS) if path.stem.removeprefix("test_") in DRAWERS)


def test_no_class_has_a_default_that_all_its_objects_share() -> None:
    def is_shared(node: ast.stmt) -> bool:
        if isinstance(node, ast.AnnAssign) and "ClassVar" in ast.unparse(node.annotation):
            return False
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        return isinstance(value, ast.List | ast.Dict | ast.Set) or called in {"list", "dict", "set"}

    found = [
        f"{_name(path)}:{statement.lineno}"
        for path in _files(SRC, SCRIPTS)
        for node in _classes(path)
        for statement in node.body
        if is_shared(statement)
    ]
    _none(found)


def _has_doctest(path: Path) -> bool:
    return ">>> " in path.read_text(encoding="utf-8")


def test_every_module_has_its_test_file_or_an_example_that_runs() -> None:
    def tests_of(path: Path) -> list[Path]:
        folder = TESTS / path.relative_to(SRC).parent
        return [*folder.glob(f"test_{path.stem}.py"), *folder.glob(f"test_{path.stem}_*.py")]

    _none(_name(path) for path in _modules() if not tests_of(path) and not _has_doctest(path))


def test_every_test_file_lies_where_what_it_tests_lies() -> None:
    """tests/ROOM/test_NAME.py tests src/pawl/ROOM/NAME.py; a part of it may stand in test_NAME_part.py."""

    def is_mirrored(path: Path) -> bool:
        folder, name = path.relative_to(TESTS).parent, path.stem.removeprefix("test_")
        sources = [source.stem for source in (SRC / folder).glob("*.py")]
        return any(name == source or name.startswith(f"{source}_") for source in sources)

    in_rooms = [path for path in TESTS.rglob("*/test_*.py") if (SRC / path.relative_to(TESTS).parent).is_dir()]
    _none(_name(path) for path in sorted(in_rooms) if path.parent != TESTS and not is_mirrored(path))


def _exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def test_every_module_says_what_it_exports() -> None:
    _none(_name(path) for path in _modules() if _exported(_tree(path)) is None)


def test_all_names_what_is_there() -> None:
    missing = {
        _name(path): sorted(set(names) - set(_defined(_tree(path))))
        for path in _files(SRC, SCRIPTS)
        if (names := _exported(_tree(path)))
    }
    _none(f"{name}: {', '.join(names)}" for name, names in missing.items() if names)


def test_everything_exported_says_what_it_is() -> None:
    """A function or class in `__all__` has a docstring."""
    silent = [
        f"{_name(path)} {node.name}"
        for path in _modules()
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name in (_exported(_tree(path)) or ())
        and not ast.get_docstring(node)
    ]
    _none(silent)


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "raise NotImplementedError\n", "raise NotImplementedError()")
    left = [
        f"{_name(path)}:{number}"
        for path in _files(SRC, SCRIPTS, ROOT / "bench")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), start=1)
        if any(word in line for word in words)
    ]
    _none(left)


def _test_functions() -> Iterator[tuple[Path, str]]:
    for path in _files(TESTS):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path, node.name


def test_every_acceptance_line_of_m002_has_a_test() -> None:
    names = [f"{name}_" for _, name in _test_functions() if name.startswith("test_m002_r")]
    _none(f"test_m002_r{number}_" for number in range(1, 43) if not any(f"_r{number}_" in name for name in names))


def test_no_test_hides_another_of_the_same_name() -> None:
    counts = Counter((_name(path), node.name) for path in _files(TESTS) for node in _functions_of_module(path))
    _none(where for where, n in counts.items() if n > 1)


def _functions_of_module(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in _tree(path).body if isinstance(node, ast.FunctionDef))


def test_every_dependency_is_imported_somewhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[=><\[]", requirement)[0].strip() for requirement in project["dependencies"]}
    imported = {
        alias.split(".")[0]
        for path in _files(SRC)
        for node in ast.walk(_tree(path))
        for alias in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    _none(name for name in required if IMPORT_NAMES.get(name, name) not in imported)


def test_help_answers_without_loading_what_is_heavy() -> None:
    """The clock belongs to the benchmark; what would make it slow is the import of one of these."""
    code = f"import sys; from pawl.cli.main import run; run(['--help']); print(set({HEAVY!r}) & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "set()"
