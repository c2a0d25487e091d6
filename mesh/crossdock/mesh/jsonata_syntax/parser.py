"""Reads a JSONata expression into a tree, for static checks: the engine has a parser, but no tree.

Top-down operator precedence (Pratt, 1973), with JSONata's binding powers. It accepts whatever the
engine compiles, and more: whether an expression is right is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crossdock.mesh.jsonata_syntax.nodes import (
    Assign,
    Binary,
    Bind,
    Block,
    Call,
    Conditional,
    Dot,
    Filter,
    Group,
    KeepList,
    Lambda,
    ListOf,
    Literal,
    Name,
    Negative,
    Node,
    ObjectOf,
    Placeholder,
    Range,
    Regex,
    Sort,
    Transform,
    Variable,
    Wildcard,
    children,
)
from crossdock.mesh.jsonata_syntax.tokens import NotUnderstoodError, Token, tokens

MAX_DEPTH: Final = 100
"""Levels of a tree; a deeper one is not understood, so whoever walks it may recurse."""

_POWERS: Final = {
    **dict.fromkeys(("[", "(", "@", "#"), 80),
    ".": 75,
    "{": 70,
    **dict.fromkeys(("*", "/", "%", "**"), 60),
    **dict.fromkeys(("+", "-", "&"), 50),
    **dict.fromkeys(("=", "<", ">", "^", "!=", "<=", ">=", "~>", "?:", "??", "in"), 40),
    "and": 30,
    "or": 25,
    "?": 20,
    ":=": 10,
}
_NEGATIVE: Final = 70
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_LAMBDA: Final = frozenset({"function", "λ"})
_WORD_OPERATORS: Final = frozenset({"and", "or", "in"})


def _word(token: Token) -> Node:
    if token.text in _CONSTANTS:
        return Literal(token.at, _CONSTANTS[token.text])
    return Name(token.at, token.text)


_LEAVES: Final[dict[str, Callable[[Token], Node]]] = {
    "text": lambda token: Literal(token.at, token.text),
    "number": lambda token: Literal(token.at, float(token.text)),
    "variable": lambda token: Variable(token.at, token.text),
    "regex": lambda token: Regex(token.at, token.text),
    "name": lambda token: Name(token.at, token.text),
    "word": _word,
}


def parse(text: str) -> Node:
    """Return the tree of an expression that the engine compiles.

    Raises:
        NotUnderstoodError: When it is none, or nested deeper than :data:`MAX_DEPTH`.
    """
    try:
        tree = _Parser(text).whole()
    except RecursionError:
        raise NotUnderstoodError("nested too deep") from None
    if _is_deeper(tree):
        raise NotUnderstoodError("nested too deep")
    return tree


def _is_deeper(tree: Node) -> bool:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in children(each)]
        if not level:
            return False
    return True


class _Parser:
    """Reads one expression, word by word."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._here = next(self._tokens)
        self._infixes: dict[str, Callable[[Token, Node], Node]] = {
            ".": self._dot,
            "[": self._filter,
            "(": self._call,
            "{": self._group,
            "^": self._sort,
            "@": self._bind,
            "#": self._bind,
            "?": self._conditional,
            ":=": self._assign,
        }
        self._prefixes: dict[str, Callable[[Token], Node]] = {
            "(": self._block,
            "[": self._list,
            "{": lambda token: ObjectOf(token.at, self._pairs()),
            "-": lambda token: Negative(token.at, self._expression(_NEGATIVE)),
            "|": self._transform,
            "?": lambda token: Placeholder(token.at),
            **dict.fromkeys(("*", "**", "%"), lambda token: Wildcard(token.at, token.text)),
        }

    def whole(self) -> Node:
        tree = self._expression(0)
        if self._here.kind != "end":
            raise self._lost()
        return tree

    def _expression(self, power: int) -> Node:
        left = self._prefix(self._take())
        while self._power() > power:
            token = self._take()
            infix = self._infixes.get(token.text, self._binary)
            left = infix(token, left)
        return left

    def _power(self) -> int:
        """Return how strongly the word here binds what stands before it; 0 when not at all."""
        here = self._here
        is_operator = here.kind == "sign" or (here.kind == "word" and here.text in _WORD_OPERATORS)
        return _POWERS.get(here.text, 0) if is_operator else 0

    def _prefix(self, token: Token) -> Node:
        leaf = _LEAVES.get(token.kind)
        if leaf is not None:
            return leaf(token)
        if token.kind == "sign" and token.text in self._prefixes:
            return self._prefixes[token.text](token)
        raise self._lost()

    def _binary(self, token: Token, left: Node) -> Node:
        right_most = token.text in ("?:", "??")
        right = self._expression(0 if right_most else _POWERS[token.text])
        return Binary(token.at, token.text, left, right)

    def _dot(self, token: Token, left: Node) -> Node:
        step = self._expression(_POWERS["."])
        if isinstance(step, Literal) and isinstance(step.value, str):
            step = Name(step.at, step.value)  # a."b" is the field b
        if isinstance(left, Literal) and isinstance(left.value, str):
            left = Name(left.at, left.value)
        return Dot(token.at, left, step)

    def _filter(self, token: Token, left: Node) -> Node:
        if self._skip("]"):
            return KeepList(token.at, left)
        predicate = self._expression(0)
        self._expect("]")
        return Filter(token.at, left, predicate)

    def _call(self, _: Token, left: Node) -> Node:
        arguments = self._several(")")
        if isinstance(left, Name) and left.name in _LAMBDA:
            return self._lambda(left, arguments)
        return Call(left.at, left, arguments)

    def _lambda(self, word: Name, parameters: tuple[Node, ...]) -> Node:
        if self._here.text == "<":
            self._skip_signature()
        self._expect("{")
        body = self._expression(0)
        self._expect("}")
        names = tuple(each.name for each in parameters if isinstance(each, Variable))
        return Lambda(word.at, names, body)

    def _skip_signature(self) -> None:
        depth = 0
        while self._here.kind != "end":
            depth += {"<": 1, ">": -1}.get(self._take().text, 0)
            if depth == 0:
                return
        raise self._lost()

    def _group(self, token: Token, left: Node) -> Node:
        return Group(token.at, left, self._pairs())

    def _sort(self, token: Token, left: Node) -> Node:
        self._expect("(")
        terms = []
        while True:
            if self._here.text in ("<", ">"):
                self._take()
            terms.append(self._expression(0))
            if not self._skip(","):
                break
        self._expect(")")
        return Sort(token.at, left, tuple(terms))

    def _bind(self, token: Token, left: Node) -> Node:
        variable = self._take()
        if variable.kind != "variable":
            raise self._lost()
        return Bind(token.at, left, token.text, variable.text)

    def _conditional(self, token: Token, left: Node) -> Node:
        then = self._expression(0)
        otherwise = self._expression(0) if self._skip(":") else None
        return Conditional(token.at, left, then, otherwise)

    def _assign(self, token: Token, left: Node) -> Node:
        if not isinstance(left, Variable):
            raise self._lost()
        return Assign(token.at, left.name, self._expression(_POWERS[":="] - 1))

    def _block(self, token: Token) -> Node:
        expressions = []
        while not self._skip(")"):
            expressions.append(self._expression(0))
            if not self._skip(";"):
                self._expect(")")
                break
        return Block(token.at, tuple(expressions))

    def _list(self, token: Token) -> Node:
        return ListOf(token.at, self._several("]"))

    def _several(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        if self._skip(closing):
            return ()
        while True:
            item = self._expression(0)
            if self._here.text == ".." and self._here.kind == "sign":
                at = self._take().at
                item = Range(at, item, self._expression(0))
            found.append(item)
            if not self._skip(","):
                break
        self._expect(closing)
        return tuple(found)

    def _pairs(self) -> tuple[tuple[Node, Node], ...]:
        found: list[tuple[Node, Node]] = []
        while not self._skip("}"):
            key = self._expression(0)
            self._expect(":")
            found.append((key, self._expression(0)))
            if not self._skip(","):
                self._expect("}")
                break
        return tuple(found)

    def _transform(self, token: Token) -> Node:
        place = self._expression(0)
        self._expect("|")
        update = self._expression(0)
        delete = self._expression(0) if self._skip(",") else None
        self._expect("|")
        return Transform(token.at, place, update, delete)

    def _take(self) -> Token:
        taken = self._here
        if taken.kind == "end":
            raise self._lost()
        self._here = next(self._tokens)
        return taken

    def _skip(self, sign: str) -> bool:
        found = self._here.kind == "sign" and self._here.text == sign
        if found:
            self._take()
        return found

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise self._lost()

    def _lost(self) -> NotUnderstoodError:
        return NotUnderstoodError(f"not understood at {self._here.at}")
