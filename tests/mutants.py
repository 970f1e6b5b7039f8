"""Code broken on purpose: every small change to a module's source, and the package built anew with one of them."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, ModuleType, SimpleNamespace

Change = tuple[str, Callable[[ast.AST], ast.AST]]
"""What is changed, in words, and the new node for the old one."""

BOUNDARY = {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt}
FLIPPED = {
    ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Lt: ast.Gt, ast.LtE: ast.GtE,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


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


def mutants(module: str, source: str, words: frozenset[str]) -> Iterator[Mutant]:
    """Every mutant of a module. words: functions left out, whose text is tested elsewhere."""
    for name, scope in _scopes(ast.parse(source), "", words):
        changes = _changed_defaults if isinstance(scope, ast.ClassDef) else _changes
        for node in (found for line in scope.body for found in _evaluated(line)):
            for change, apply in changes(node):
                assert isinstance(node, ast.expr | ast.stmt)
                yield Mutant(module, name, change, node.lineno, node.col_offset, type(node), apply)


def _scopes(tree: ast.AST, prefix: str, words: frozenset[str]) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name not in words:
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield node.name, node
            yield from _scopes(node, f"{node.name}.", words)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is below it, but for annotations, which nothing evaluates."""
    yield node
    for name, child in ast.iter_fields(node):
        below = child if isinstance(child, list) else [child]
        if name != "annotation":
            yield from (found for one in below if isinstance(one, ast.AST) for found in _evaluated(one))


def _changed_defaults(node: ast.AST) -> Iterator[Change]:
    """A default of the settings moved by one, or by half of itself."""
    if (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Field"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ):
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


@lru_cache(maxsize=64)
def _code(name: str, source: str, mutant: Mutant | None) -> CodeType:
    tree: ast.AST = ast.parse(source)
    if mutant is not None:
        swap = _Swap(mutant)
        tree = ast.fix_missing_locations(swap.visit(tree))
        assert swap.n_applied == 1, f"{mutant} was not applied"
    return compile(tree, f"<{name}>", "exec")  # type: ignore[arg-type]


@contextmanager
def built(
    package: str, sources: Mapping[str, str], modules: Sequence[str], mutant: Mutant | None
) -> Iterator[SimpleNamespace]:
    """Modules built anew from their source, in the order of their imports, with the one change; all their names in one
    place. The real ones stand again afterwards.
    """
    saved = {name: module for name, module in sys.modules.items() if name.startswith(f"{package}.")}
    names: dict[str, object] = {}
    try:
        for name in modules:
            module = ModuleType(f"{package}.{name}")
            sys.modules[module.__name__] = module
            is_broken = mutant is not None and mutant.module == name
            exec(_code(name, sources[name], mutant if is_broken else None), module.__dict__)
            names.update(vars(module))
        yield SimpleNamespace(**names)
    finally:
        for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
            del sys.modules[name]
        sys.modules.update(saved)
