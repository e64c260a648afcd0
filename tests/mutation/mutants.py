"""Small faults put into a Python source, one at a time: what the tests of a module should notice."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

_COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_COMPARE |= {ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
_ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div}
_ARITHMETIC |= {ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "round": "float", "abs": "float"}
_CALLED |= {"startswith": "endswith", "endswith": "startswith", "argmax": "argmin", "ceil": "floor"}
_UNDONE = {"strip", "lower", "upper", "rstrip", "lstrip", "copy", "reversed", "frozenset"}
_GUARDS = {"strict", "dtype", "stacklevel"}
"""Keywords that check or type, and change no result."""
_WORDS = ("Error", "info", "warning", "debug")
"""Calls by the end of their names whose texts are words for people, no behaviour."""


_BIG = (ast.stmt, ast.Module, ast.Dict, ast.List, ast.Tuple)


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        place: qualified name of the function or class it is in; ``<module>`` outside of any.
        change: the expression or statement before and after; ``#2`` marks the second of the same in a place.
        code: the whole source with it, compiled.
        inside: whether it lies in the body of a function, so that a loaded module can take it.
    """

    place: str
    change: str
    code: CodeType
    inside: bool


def mutants(source: str, file: str) -> Iterator[Mutant]:
    """Every fault of a source, in its order."""
    tree, seen = ast.parse(source), Counter[tuple[str, str]]()
    statements = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = [node for one in statements for node in ast.walk(one) if isinstance(node, ast.Call)]
    early = {_name(call.func) for call in calls}  # these have run before a loaded module can take a fault
    for owner, field, index, place, inside in _sites(tree, "", False):
        node = getattr(owner, field) if index is None else getattr(owner, field)[index]
        if not inside and isinstance(node, ast.Constant) and isinstance(node.value, str):
            continue  # vocabularies are data
        for new in _changes(node, owner, field):
            small = isinstance(owner, ast.Assign | ast.AugAssign | ast.Return) or not isinstance(owner, _BIG)
            before = _text(owner if small else node)
            _put(owner, field, index, ast.fix_missing_locations(ast.copy_location(new, node)))
            after = _text(owner if small else new)
            compiled = compile(ast.fix_missing_locations(tree), file, "exec", dont_inherit=True)
            _put(owner, field, index, node)
            change = f"{before} -> {after}"
            seen[place, change] += 1
            number = seen[place, change]
            loaded = inside and place.split(".")[0] not in early
            yield Mutant(place or "<module>", change + (f" #{number}" if number > 1 else ""), compiled, loaded)


def _put(owner: Any, field: str, index: int | None, new: ast.AST) -> None:
    if index is None:
        setattr(owner, field, new)
    else:
        getattr(owner, field)[index] = new


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:160]


def _sites(owner: ast.AST, place: str, inside: bool) -> Iterator[tuple[ast.AST, str, int | None, str, bool]]:
    for field, value in ast.iter_fields(owner):
        if field in ("annotation", "returns", "decorator_list", "bases", "type_params", "ctx"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_words(node, owner):
                continue
            body = inside or (isinstance(owner, ast.FunctionDef) and field == "body")
            yield owner, field, index, place, body
            named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            within = f"{place}.{node.name}".strip(".") if named else place
            yield from _sites(node, within, body)


def _is_words(node: ast.AST, owner: ast.AST) -> bool:
    """Docstrings, texts of errors and messages, and type aliases and casts: no behaviour."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(owner, ast.keyword) and owner.arg in _GUARDS:
        return True
    if isinstance(owner, ast.Call):
        name = _name(owner.func)
        if name.endswith(_WORDS) or name in ("cast", "field", "TypeVar"):
            return True
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.AnnAssign) and not getattr(
        node, "value", 1
    )


def _name(func: ast.AST) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def _changes(node: ast.AST, owner: ast.AST, field: str) -> Iterator[ast.AST]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if type(op) in _COMPARE:
                yield ast.Compare(
                    node.left, [*node.ops[:i], _COMPARE[type(op)](), *node.ops[i + 1 :]], node.comparators
                )
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for i in range(len(node.values)):
            rest = [*node.values[:i], *node.values[i + 1 :]]
            yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _other_values(node.value, owner))
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.comprehension):
        yield from (
            ast.comprehension(node.target, node.iter, [*node.ifs[:i], *node.ifs[i + 1 :]], 0)
            for i in range(len(node.ifs))
        )
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    if field == "test" and not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]


def _of_statement(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
        yield ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value)
    if isinstance(node, ast.Continue):
        yield ast.Break()
    if isinstance(node, ast.Break):
        yield ast.Continue()
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield ast.Return(ast.Constant(None))


def _other_values(value: object, owner: ast.AST) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value * 1.5 + 0.1]
    if isinstance(value, str) and not isinstance(owner, ast.JoinedStr):
        return [f"XX{value}"]
    return []


def _of_call(node: ast.Call) -> Iterator[ast.AST]:
    name = _name(node.func)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in _GUARDS and not name.endswith(_WORDS) and keyword.arg is not None:
            yield ast.Call(node.func, node.args, [*node.keywords[:i], *node.keywords[i + 1 :]])
    if name in _CALLED:
        func = copy.copy(node.func)
        setattr(func, "id" if isinstance(func, ast.Name) else "attr", _CALLED[name])
        dropped = [k for k in node.keywords if not (name == "sorted" and k.arg in ("key", "reverse"))]
        yield ast.Call(func, node.args[: 1 if name in ("round", "abs") else None], dropped)
    if name in _UNDONE and isinstance(node.func, ast.Attribute):
        yield node.func.value
    elif name in _UNDONE and node.args:
        yield node.args[0]
