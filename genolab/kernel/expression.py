"""A kernel from what a learner types: a few lines of PyTensor, read by rules and never executed as Python.

Allowed are assignments, operators, numbers, indices, ``pt.<function>`` of a list and the usual methods of a tensor.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import infer_shape
from pytensor.graph.traversal import io_toposort

from genolab.errors import GenolabError
from genolab.kernel.kernel import Kernel
from genolab.spec import Spec, Symbol

INPUTS: dict[str, Spec] = {
    "x": Spec("row column", "float64", "a matrix"),
    "y": Spec("row column", "float64", "another matrix of its shape"),
    "w": Spec("column", "float64", "a vector, one number a column"),
    "k": Spec("row", "int64", "a whole number from 0 to 2 a row", low=0, high=2),
    "a": Spec("", "float64", "a number"),
}
"""What an expression may use."""

FUNCTIONS = tuple(
    """
    abs all any argmax argmin argsort ceil clip concatenate cos cosh cumprod cumsum diag dot eq erf exp expm1 floor
    gammaln ge gt invert isnan le log log10 log1p log2 logsumexp lt matmul max maximum mean min minimum neq outer power
    prod reciprocal round sigmoid sign sin sinh softmax softplus sort sqr sqrt stack std sum switch tan tanh transpose
    var where
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
METHODS = tuple("sum mean max min prod std var dot argmax argmin cumsum clip astype transpose flatten".split())  # noqa: SIM905
ATTRIBUTES = ("T", "shape", "ndim")

EXAMPLES = {
    "softmax": "e = pt.exp(x - x.max(axis=1, keepdims=True))\ne / e.sum(axis=1, keepdims=True)",
    "log of a sum of exponentials": "pt.log(pt.sum(pt.exp(x), axis=1))",
    "z score": "(x - x.mean(axis=0)) / x.std(axis=0)",
    "a neuron": "1 / (1 + pt.exp(-(pt.dot(x, w) + a)))",
    "the same thing twice": "pt.exp(x) / (1 + pt.exp(x))",
    "pick and weigh": "x[:, k].sum(axis=1) * a",
}

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.MatMult: operator.matmul,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Lt: pt.lt, ast.LtE: pt.le, ast.Gt: pt.gt, ast.GtE: pt.ge, ast.Eq: pt.eq, ast.NotEq: pt.neq,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
}  # fmt: skip
_LONGEST = 2_000  # letters
_LARGEST = 5_000_000  # numbers in one array: what is computed anew at every pause of the typing


class ExpressionError(GenolabError):
    """An expression was refused: ``place`` says where and what, ``message`` is PyTensor's own, or ours."""

    def __init__(self, place: str, message: str) -> None:
        self.place, self.message = place, message
        super().__init__(f"{place}\n{message}")


def kernel_of(text: str, name: str = "expression") -> Kernel:
    """The kernel that computes the last line of `text` from the inputs that it names.

    Raises
    ------
    ExpressionError
        If the text is not an expression of the allowed kind, or PyTensor refuses it.
    """
    tree = _parsed(text)
    used = [each for each in INPUTS if any(isinstance(node, ast.Name) and node.id == each for node in ast.walk(tree))]
    if not used:
        raise ExpressionError("the whole", f"It uses none of the inputs {', '.join(INPUTS)}.")

    def build(*variables: Any) -> Any:
        return Result(_Reader(text, dict(zip(used, variables, strict=True))).run(tree))

    trial = [pt.TensorType(INPUTS[each].dtype, shape=INPUTS[each].lengths)(name=each) for each in used]
    made = _Reader(text, dict(zip(used, trial, strict=True))).run(tree)
    axes = " ".join(f"axis{number}" for number in range(made.type.ndim))
    hint = Annotated[Symbol, Spec(axes, made.type.dtype, "the last line")]
    Result: Any = NamedTuple("Result", [("result", hint)])
    build.__name__, build.__doc__ = name, f"{text.strip()}"
    build.__annotations__ = {each: Annotated[Symbol, INPUTS[each]] for each in used} | {"return": Result}
    positional = Parameter.POSITIONAL_OR_KEYWORD
    build.__signature__ = Signature([Parameter(each, positional) for each in used])  # type: ignore[attr-defined]
    rng = np.random.default_rng(1)
    values: dict[str, Any] = {
        "x": rng.normal(size=(200, 30)), "y": rng.normal(size=(200, 30)), "w": rng.normal(size=30),
        "k": rng.integers(0, 3, 200), "a": np.float64(0.5),
    }  # fmt: skip
    kernel = Kernel(build, example=lambda: tuple(values[each] for each in used))
    _check_size(made, trial, [np.shape(values[each]) for each in used])
    try:
        kernel(*kernel.example(), backend="numpy")
    except Exception as error:  # lengths that do not fit are known only when it runs
        shapes = ", ".join(f"{each} {values[each].shape}" for each in used if np.ndim(values[each]))
        raise ExpressionError(f"when it runs, with {shapes}", str(error).strip().splitlines()[0][:240]) from None
    return kernel


def _check_size(result: Any, inputs: list[Any], shapes: list[tuple[int, ...]]) -> None:
    """Refuse what would fill the memory or take minutes, before it runs; lengths that do not fit are told later."""
    parts = [v for node in io_toposort(inputs, [result]) for v in node.outputs if isinstance(v.type, pt.TensorType)]
    known = [tuple(pt.constant(length) for length in shape) for shape in shapes]
    try:
        lengths = infer_shape(parts, inputs, known)
        sizes = pytensor.function([], [pt.prod(pt.stack([1, *each])) for each in lengths], mode="FAST_COMPILE")()
    except Exception:  # of lengths that do not fit
        return
    if max((int(size) for size in sizes), default=0) > _LARGEST:
        raise ExpressionError(
            "the whole", f"It would make an array of {int(max(sizes)):,} numbers; here are {_LARGEST:,} the most."
        )


def _parsed(text: str) -> ast.Module:
    if len(text) > _LONGEST:
        raise ExpressionError("the whole", f"It is longer than {_LONGEST:,} letters.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd but harmless literals, while somebody is still typing
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, said = getattr(error, "lineno", None), getattr(error, "msg", None) or str(error)
        written = (text.splitlines() or [""])[line - 1].strip()[:60] if line and line <= text.count("\n") + 1 else ""
        place = f"line {line}: {written}" if written else "the whole"
        raise ExpressionError(place, f"{said[0].upper()}{said[1:]}.") from None
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        raise ExpressionError("the last line", "It must be the expression to compute, such as pt.exp(x).")
    return tree


def _unknown(called: str, word: str, before: str, known: tuple[str, ...]) -> str:
    """What to say of a function that is not there: the nearest ones, or all."""
    if word == "grad":
        return "The gradient has a view of its own: press gradient, above the graph."
    near = get_close_matches(word, known, 3)
    if near:
        return f"There is no {called} here; did you mean {' or '.join(before + each for each in near)}?"
    return f"There is no {called} here; the functions are listed above."


class _Reader:
    """Walks the syntax tree and builds variables; what is not listed here does not happen."""

    def __init__(self, text: str, names: dict[str, Any]) -> None:
        self.text, self.names = text, names

    def run(self, tree: ast.Module) -> Any:
        result: Any = None
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target = statement.targets[0]
                if not isinstance(target, ast.Name):
                    raise self._refusal(statement, "Assign to one name at a time.")
                self.names[target.id] = value = self.value(statement.value)
                if hasattr(value, "type") and value.name is None:
                    value.name = target.id
            elif isinstance(statement, ast.Expr):
                result = self.value(statement.value)
            else:
                raise self._refusal(statement, "Only assignments and expressions are read here.")
        if not hasattr(result, "type"):
            raise self._refusal(tree.body[-1], "It is a number already, with nothing to compute.")
        return result

    def value(self, node: ast.AST) -> Any:
        try:
            return self._value(node)
        except ExpressionError:
            raise
        except RecursionError:
            raise self._refusal(node, "It is nested too deeply.") from None
        except Exception as error:  # whatever PyTensor says of shapes, types and axes
            said = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            raise self._refusal(node, said[0]) from None

    def _value(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | None):
                return node.value
            case ast.Constant(value=str() as word) if len(word) < 20:
                return word  # a dtype
            case ast.Name():
                if node.id in self.names:
                    return self.names[node.id]
                known = ", ".join([*INPUTS, "pt"])
                raise self._refusal(node, f"There is no {node.id}; there are {known}.")
            case ast.BinOp() if type(node.op) in _OPERATORS:
                left, right = self.value(node.left), self.value(node.right)
                tensors = hasattr(left, "type") or hasattr(right, "type")
                if any(isinstance(each, str) or (isinstance(each, list) and not tensors) for each in (left, right)):
                    raise self._refusal(node, "Only numbers and tensors are computed with: words and lists would grow.")
                if isinstance(node.op, ast.Pow) and not tensors:
                    with np.errstate(all="ignore"):  # whole numbers of Python would grow without end
                        return np.float64(left) ** np.float64(right)
                return _OPERATORS[type(node.op)](left, right)
            case ast.UnaryOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](self.value(node.operand))
            case ast.Compare(ops=[operation]) if type(operation) in _OPERATORS:
                return _OPERATORS[type(operation)](self.value(node.left), self.value(node.comparators[0]))
            case ast.Compare(ops=[_, _, *_]):
                raise self._refusal(node, "Compare two things at a time, such as (0 < x) & (x < 1).")
            case ast.Tuple() | ast.List():
                return [self.value(each) for each in node.elts]
            case ast.Subscript():
                return self.value(node.value)[self._index(node.slice)]
            case ast.Attribute():
                if node.attr not in ATTRIBUTES:
                    raise self._refusal(node, f".{node.attr} is not read here; there are .{', .'.join(ATTRIBUTES)}.")
                return getattr(self.value(node.value), node.attr)
            case ast.Call():
                return self._call(node)
        raise self._refusal(node, "This is not read here: use numbers, operators, indices and pt functions.")

    def _call(self, node: ast.Call) -> Any:
        function = node.func
        if not isinstance(function, ast.Attribute):
            raise self._refusal(node, "Call a function of pt, such as pt.exp(x), or a method, such as x.sum(axis=0).")
        if isinstance(function.value, ast.Name) and function.value.id == "pt":
            if function.attr not in FUNCTIONS:
                raise self._refusal(node, _unknown(f"pt.{function.attr}", function.attr, "pt.", FUNCTIONS))
            called = getattr(pt, function.attr)
        else:
            if function.attr not in METHODS:
                if isinstance(function.value, ast.Name):
                    self.value(function.value)  # of a module that is not here, such as np, this is said first
                raise self._refusal(node, _unknown(f".{function.attr}()", function.attr, ".", METHODS))
            owner = self.value(function.value)
            if not hasattr(owner, "type"):
                raise self._refusal(node, "Only a tensor has methods here.")
            called = getattr(owner, function.attr)
        given = [self.value(each) for each in node.args if not isinstance(each, ast.Starred)]
        named = {each.arg: self.value(each.value) for each in node.keywords if each.arg is not None}
        if len(given) + len(named) != len(node.args) + len(node.keywords):
            raise self._refusal(node, "Stars are not read here.")
        return called(*given, **named)

    def _index(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self._index(each) for each in node.elts)
        if isinstance(node, ast.Slice):
            return slice(*(None if each is None else self.value(each) for each in (node.lower, node.upper, node.step)))
        return self.value(node)

    def _refusal(self, node: ast.AST, message: str) -> ExpressionError:
        line = getattr(node, "lineno", None)
        source = ast.get_source_segment(self.text, node) or ""
        shown = " ".join(source.split())
        shown = shown if len(shown) <= 60 else shown[:59] + "…"
        return ExpressionError(f"line {line}: {shown}" if line else shown, message[:240])
