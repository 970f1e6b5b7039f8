"""The gate broken on purpose, in every way below, in a copy of its source: the cases must notice each."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import pawl.gates
from gate_cases import CASES, CHECKS, failing

PACKAGE = "pawl.gates"
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in Path(pawl.gates.__path__[0]).glob("[a-z]*.py")}
# In the order of their imports; the text of a verdict is tested in tests/gates, not here.
MODULES = ("figure", "condition", "wording", "verdict", "gate", "policy_gate")
MUTATED = ("figure", "condition", "verdict", "gate", "policy_gate")

Change = tuple[str, Callable[[ast.AST], ast.AST]]
"""What is changed, in words, and the new node for the old one."""

BOUNDARY = {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt}
FLIPPED = {
    ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Lt: ast.Gt, ast.LtE: ast.GtE,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
# What they do is seen where a gate is made or printed: tests/gates.
WORDS = {"__post_init__", "sign", "breach", "_require_allowance", "_require_sample", "_bad", "reasons"}

HARMLESS = {
    "condition.Condition.is_met: challenger > limit -> challenger >= limit": "equality passes beside it already",
    "condition.Condition.is_met: challenger < limit -> challenger <= limit": "equality passes beside it already",
    "gate._judge_condition: not isinstance(champion, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_condition: not isinstance(challenger, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_floor: not isinstance(challenger, Figure) -> False": "what is no figure is a fault already",
    "gate._judge_condition: faults or not isinstance(champion, Figure) or (not isinstance(challenger, Figure)) -> "
    "without not isinstance(champion, Figure)": "what is no figure is a fault already",
    "gate._judge_condition: faults or not isinstance(champion, Figure) or (not isinstance(challenger, Figure)) -> "
    "without not isinstance(challenger, Figure)": "what is no figure is a fault already",
    "gate._judge_floor: faults or not isinstance(challenger, Figure) -> "
    "without not isinstance(challenger, Figure)": "what is no figure is a fault already",
}
"""Mutants that judge as the original does, each with the reason."""


@dataclass(frozen=True)
class Mutant:
    """One change at one place. apply: makes it, on a freshly parsed tree, at the same position."""

    module: str
    function: str
    change: str
    line: int
    column: int
    kind: type[ast.AST]
    apply: Callable[[ast.AST], ast.AST]

    @property
    def name(self) -> str:
        """Where and what, without the line, which moves."""
        return f"{self.module}.{self.function}: {self.change}"


class _Swap(ast.NodeTransformer):
    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.n_applied = 0

    def visit(self, node: ast.AST) -> ast.AST:
        one = self.mutant
        here = (getattr(node, "lineno", None), getattr(node, "col_offset", None))
        if type(node) is one.kind and here == (one.line, one.column) and not self.n_applied:
            self.n_applied = 1
            return ast.copy_location(one.apply(node), node)
        return super().generic_visit(node)


def _mutants(module: str) -> Iterator[Mutant]:
    for name, scope in _scopes(ast.parse(SOURCES[module]), ""):
        changes = _changed_defaults if isinstance(scope, ast.ClassDef) else _changes
        for node in (found for line in scope.body for found in _evaluated(line)):
            for change, apply in changes(node):
                assert isinstance(node, ast.expr | ast.stmt)
                yield Mutant(module, name, change, node.lineno, node.col_offset, type(node), apply)


def _scopes(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name not in WORDS:
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield node.name, node
            yield from _scopes(node, f"{node.name}.")


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is below it, but for annotations, which nothing evaluates."""
    yield node
    for name, child in ast.iter_fields(node):
        below = child if isinstance(child, list) else [child]
        if name != "annotation":
            yield from (found for one in below if isinstance(one, ast.AST) for found in _evaluated(one))


def _changed_defaults(node: ast.AST) -> Iterator[Change]:
    """A default of the settings moved by one, or by half of itself."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Field" and isinstance(node.args[0], ast.Constant):
        default = node.args[0].value
        assert isinstance(default, int | float)
        for changed in [default + 1, default - 1] if isinstance(default, int) else [default * 1.5, default / 2]:
            moved = ast.Call(node.func, [ast.Constant(changed)], node.keywords)
            yield f"default {default} -> {changed}", _replaced_by(moved)


def _changes(node: ast.AST) -> Iterator[Change]:
    for kind, broken in BREAKERS.items():
        if isinstance(node, kind):
            yield from broken(node)


def _of_compare(node: ast.Compare) -> Iterator[Change]:
    for table in (FLIPPED, BOUNDARY):
        for position, operator in enumerate(node.ops):
            if type(operator) in table:
                yield _operator(node, position, table[type(operator)]())
    yield f"{ast.unparse(node)} -> True", lambda _: ast.Constant(True)


def _of_boolean(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield f"{ast.unparse(node)} -> {type(other).__name__.lower()}", lambda _: ast.BoolOp(other, node.values)
    for position, value in enumerate(node.values):
        kept = [*node.values[:position], *node.values[position + 1 :]]
        yield f"{ast.unparse(node)} -> without {ast.unparse(value)}", _replaced_by(_joined(node.op, kept))


def _of_not(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)} -> without not", lambda _: node.operand
        yield f"{ast.unparse(node)} -> False", lambda _: ast.Constant(False)


def _of_call(node: ast.Call) -> Iterator[Change]:
    if ast.unparse(node.func) in ("math.isfinite", "math.isclose", "one.domain.holds"):
        yield f"{ast.unparse(node)} -> True", lambda _: ast.Constant(True)
        yield f"{ast.unparse(node)} -> False", lambda _: ast.Constant(False)


def _of_arithmetic(node: ast.BinOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        yield f"{ast.unparse(node)} -> left side alone", lambda _: node.left


def _of_choice(node: ast.IfExp) -> Iterator[Change]:
    yield f"{ast.unparse(node)} -> branches swapped", lambda _: ast.IfExp(node.test, node.orelse, node.body)


def _of_tuple(node: ast.Tuple) -> Iterator[Change]:
    for position, element in enumerate(node.elts if isinstance(node.ctx, ast.Load) else []):
        kept = [*node.elts[:position], *node.elts[position + 1 :]]
        yield f"dropped {ast.unparse(element)[:60]}", _replaced_by(ast.Tuple(kept, ast.Load()))


def _of_return(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        for value in (None, 0.0):
            change = f"return {ast.unparse(node.value)[:60]} -> return {value}"
            yield change, _replaced_by(ast.Return(ast.Constant(value)))


BREAKERS: dict[type[ast.AST], Callable[..., Iterator[Change]]] = {
    ast.Compare: _of_compare,
    ast.BoolOp: _of_boolean,
    ast.UnaryOp: _of_not,
    ast.Call: _of_call,
    ast.BinOp: _of_arithmetic,
    ast.IfExp: _of_choice,
    ast.Tuple: _of_tuple,
    ast.Return: _of_return,
}


def _joined(operator: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(operator, values)


def _replaced_by(new: ast.AST) -> Callable[[ast.AST], ast.AST]:
    return lambda _: new


def _operator(node: ast.Compare, position: int, new: ast.cmpop) -> Change:
    broken = ast.Compare(node.left, [*node.ops[:position], new, *node.ops[position + 1 :]], node.comparators)
    return f"{ast.unparse(node)} -> {ast.unparse(broken)}", _replaced_by(broken)


@contextmanager
def _gates(mutant: Mutant | None) -> Iterator[SimpleNamespace]:
    """The package built anew from its source, with the one change; the real one stands again afterwards."""
    saved = {name: module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.")}
    names: dict[str, object] = {}
    try:
        for name in MODULES:
            tree: ast.AST = ast.parse(SOURCES[name])
            if mutant is not None and mutant.module == name:
                swap = _Swap(mutant)
                tree = ast.fix_missing_locations(swap.visit(tree))
                assert swap.n_applied == 1, f"{mutant} was not applied"
            module = ModuleType(f"{PACKAGE}.{name}")
            sys.modules[module.__name__] = module
            exec(compile(tree, f"<{name}>", "exec"), module.__dict__)  # type: ignore[arg-type]
            names.update(vars(module))
        yield SimpleNamespace(**names)
    finally:
        for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        sys.modules.update(saved)


def _noticed_by(mutant: Mutant | None) -> str | None:
    """The first case whose result differs, or that ends in an error; None when nothing notices."""
    try:
        with _gates(mutant) as gates:
            for case in CASES:
                failed, reasons = failing(case, gates)
                if failed != case.fails or not re.search(case.because, reasons, re.DOTALL):
                    return case.name
            for check in CHECKS:
                check(gates)
    except Exception as error:  # noqa: BLE001 - a mutant may break in any way, and each way is noticed
        return repr(error)
    return None


MUTANTS = [mutant for module in MUTATED for mutant in _mutants(module)]


def test_the_untouched_copy_passes_every_case() -> None:
    assert _noticed_by(None) is None


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in MUTANTS if one.name not in HARMLESS])
def test_the_suite_notices_the_broken_gate(mutant: Mutant) -> None:
    assert _noticed_by(mutant) is not None, f"{mutant.name} (line {mutant.line}) goes unseen"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_exists_and_is_harmless(name: str) -> None:
    found = [one for one in MUTANTS if one.name == name]
    assert found, "no such mutant any more: take it off the list"
    assert all(_noticed_by(one) is None for one in found)


@pytest.mark.parametrize(
    "change",
    [
        "policy_conditions: dropped _condition('hit_rate'",
        "policy_conditions: dropped Condition(metric='pnl_bps'",
        "policy_conditions: dropped Condition(metric='max_drawdown'",
        "policy_conditions: dropped _condition('risk_violation_rate'",
        "policy_conditions: dropped _condition('ece'",
        "policy_gate: dropped gain",
        "policy_gate: dropped sharpe",
        "is_met: challenger > limit -> challenger < limit",
        "is_met: math.isclose(challenger, limit, rel_tol=ROUNDING) -> False",
        "_value_fault: math.isfinite(measured.value) -> True",
        "limit: champion - allowance -> left side alone",
        "limit: champion + allowance -> left side alone",
        "_sample_fault: n >= one.min_sample -> True",
        "_sample_fault: n >= one.min_sample -> n > one.min_sample",
    ],
)
def test_each_way_to_break_a_condition_is_among_the_mutants(change: str) -> None:
    assert [one for one in MUTANTS if change in one.name and one.name not in HARMLESS]
