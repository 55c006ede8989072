"""Reading an expression: tokens become a tree, or an error with its place and a hint.

Precedence, loosest first: ``x if c else y``, ``or``, ``and``, ``not``, comparisons (which cannot be chained), ``??``,
``+ -``, ``* / %``, unary ``-``, and then ``.field``, ``[index]`` and calls. So ``data.total ?? 0 > 5`` asks what it
seems to ask. The tree and its reader are one module: every node is made in one place, by the rule beside it.
"""

from __future__ import annotations

from typing import Any

from hooks.rules.elsewhere import braces_hint, function_hint, method_hint, misplaced_hint, name_hint, operator_hint
from hooks.rules.faults import ExpressionError
from hooks.rules.functions import FUNCTIONS
from hooks.rules.nodes import (
    Binary,
    Call,
    Choice,
    Constant,
    Index,
    Item,
    ListOf,
    Matches,
    Node,
    ObjectOf,
    PathNode,
    Root,
    Unary,
)
from hooks.rules.pattern import Pattern, PatternError
from hooks.rules.tokens import Token, tokenize

MAX_NODES = 300
MAX_NESTING = 40

NAMES = (
    "id", "type", "source", "vendor", "time", "received_at", "subject", "data", "raw", "vars", "steps", "error",
)  # fmt: skip
"""What an expression can name. ``secret`` is known too, in the few places where secrets are allowed."""

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "contains", "startswith", "endswith", "matches"})
_KEYWORDS = frozenset({"and", "or", "not", "if", "else", "in", "contains", "startswith", "endswith", "matches"})
_IN_PATTERNS = (
    "a pattern is made of text, . [a-z] \\d \\w \\s ( ) | * + ? {2,5} ^ $ and (?i) in front; \\ takes a sign literally"
)
_SIDE_BY_SIDE = "two values stand side by side: put an operator, or a comma, between them"
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


def parse(text: str, *, secrets: bool = False) -> Node:
    """The tree of an expression. ``secrets`` allows the name ``secret``. Raises ExpressionError, and nothing else."""
    try:
        return _Parser(text, secrets).parse()
    except RecursionError:
        raise ExpressionError("nested too deeply", text, 0, 1, "divide the expression") from None


class _Parser:
    def __init__(self, text: str, secrets: bool) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.position = 0
        self.nodes = 0
        self.nesting = 0
        self.item_depth = 0
        self.names = (*NAMES, "secret") if secrets else NAMES

    def parse(self) -> Node:
        if len(self.tokens) == 1:
            raise ExpressionError(
                "the expression is empty", self.text, 0, 1, "write a name, such as data.customer.email"
            )
        node = self.expression()
        if self.position < len(self.tokens) - 1:
            raise self.unexpected()
        return node

    # --- tokens ---

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        token = self.tokens[self.position]
        return token.text in texts and token.kind in ("sign", "name")

    def expect(self, sign: str, where: str) -> Token:
        if not self.at(sign):
            if self.token.kind == "end":
                hint = "a value, and what closes it, is missing" if sign == ":" else f"add the closing {sign}"
                raise self.error(f"expected '{sign}' at the end", self.token, hint)
            raise self.unexpected(f"expected '{sign}' {where}")
        return self.take()

    def separate(self, closing: str, where: str) -> None:
        """Take the comma before the next part; before the closing sign there is none."""
        if not self.at(closing):
            self.expect(closing if self.token.kind == "end" else ",", where)

    def error(self, message: str, token: Token, hint: str = "") -> ExpressionError:
        return ExpressionError(message, self.text, token.start, max(1, token.end - token.start), hint)

    def unexpected(self, hint: str = "") -> ExpressionError:
        token = self.token
        if token.kind == "end":
            percent = self.position and self.tokens[self.position - 1].text == "%"
            hint = hint or ("% is the rest of a division: write the number alone" if percent else "")
            return self.error("the expression ends too early", token, hint or "a value is missing at the end")
        before = self.tokens[self.position - 1].text if self.position else ""
        after = self.tokens[min(self.position + 1, len(self.tokens) - 1)].text
        meant = misplaced_hint(token.text, before, after)
        if not meant and token.kind == "name":
            meant = operator_hint(token.text)
        missing = f"a value is missing in front of {token.text}"
        if not meant and token.text in _KEYWORDS and not self.position:
            meant = missing
        hint = meant or hint
        if not hint:
            beside = token.kind in ("name", "number", "text")
            hint = _SIDE_BY_SIDE if beside else f"{missing}, or it is one too many"
        shown = token.text if len(token.text) <= 40 else token.text[:37] + "..."
        return self.error(f"unexpected {shown}" if token.kind == "text" else f"unexpected '{shown}'", token, hint)

    def count(self, node: Node, more: int = 1) -> Node:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise ExpressionError(
                f"more than {MAX_NODES} parts", self.text, node.start, node.end - node.start, "divide the expression"
            )
        return node

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"nested more than {MAX_NESTING} deep", self.token, "divide the expression")

    # --- grammar ---

    def expression(self) -> Node:
        self.deeper()
        node = self.disjunction()
        if self.at("if"):
            self.take()
            condition = self.disjunction()
            if not self.at("else"):
                raise self.unexpected("write: x if condition else y")
            self.take()
            no = self.expression()
            node = self.count(Choice(node.start, no.end, condition, node, no))
        self.nesting -= 1
        return node

    def disjunction(self) -> Node:
        node = self.conjunction()
        while self.at("or", "||"):
            self.take()
            right = self.conjunction()
            node = self.count(Binary(node.start, right.end, "or", node, right))
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.at("and", "&&"):
            self.take()
            right = self.negation()
            node = self.count(Binary(node.start, right.end, "and", node, right))
        return node

    def negation(self) -> Node:
        if not self.at("not", "!"):
            return self.comparison()
        sign = self.take()
        self.deeper()
        operand = self.negation()
        self.nesting -= 1
        return self.count(Unary(sign.start, operand.end, "not", operand))

    def comparison(self) -> Node:
        left = self.coalescing()
        op = self.comparison_sign()
        if op is None:
            return left
        negated = op == "not in"
        if op == "matches":
            node = self.matching(left)
        else:
            right = self.coalescing()
            node = Binary(left.start, right.end, "in" if negated else op, left, right, negated)
        self.count(node)
        if self.token.kind != "end" and self.at(*_COMPARISONS):
            raise self.error("comparisons cannot be chained", self.token, "write: a < b and b < c")
        return node

    def comparison_sign(self) -> str | None:
        if self.at(*_COMPARISONS):
            return self.take().text
        if self.at("not"):
            after = self.tokens[self.position + 1]
            if after.text == "in":
                self.take()
                self.take()
                return "not in"
            if after.text in ("contains", "startswith", "endswith", "matches"):
                raise self.error(
                    f"unexpected 'not {after.text}'", self.token, f"put not in front: not data.x {after.text} ..."
                )
        return None

    def matching(self, left: Node) -> Node:
        token = self.token
        if token.kind != "text":
            raise self.error("after matches comes a pattern in quotes", token, "for example: data.zip matches '^45'")
        self.take()
        try:
            pattern = Pattern(token.value)
        except PatternError as problem:
            raise self.error(str(problem), token, _IN_PATTERNS) from None
        return Matches(left.start, token.end, left, pattern)

    def coalescing(self) -> Node:
        node = self.sum()
        while self.at("??"):
            self.take()
            right = self.sum()
            node = self.count(Binary(node.start, right.end, "??", node, right))
        return node

    def sum(self) -> Node:
        node = self.product()
        while self.at("+", "-"):
            sign = self.take()
            right = self.product()
            node = self.count(Binary(node.start, right.end, sign.text, node, right))
        return node

    def product(self) -> Node:
        node = self.negative()
        while self.at("*", "/", "%"):
            sign = self.take()
            right = self.negative()
            node = self.count(Binary(node.start, right.end, sign.text, node, right))
        return node

    def negative(self) -> Node:
        if not self.at("-"):
            return self.postfix()
        sign = self.take()
        self.deeper()
        operand = self.negative()
        self.nesting -= 1
        if isinstance(operand, Constant) and type(operand.value) in (int, float):
            return Constant(sign.start, operand.end, -operand.value)
        return self.count(Unary(sign.start, operand.end, "-", operand))

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self.at("."):
                self.take()
                name = self.token
                if name.kind == "number":
                    raise self.error("after '.' comes a name", name, f"a position is written [{name.text}]")
                if name.kind != "name":
                    raise self.error("after '.' comes a name", name, "an odd key is written ['odd key']")
                self.take()
                if self.at("("):
                    shown = self.text[node.start : node.end]
                    raise self.error("only functions can be called", name, method_hint(name.text, shown))
                node = self.member(node, name.text, name.start, name.end)
            elif self.at("["):
                self.take()
                inner = self.expression()
                closing = self.expect("]", "after the index")
                if isinstance(inner, Constant) and type(inner.value) in (str, int):
                    node = self.member(node, inner.value, inner.start, inner.end, closing.end)
                else:
                    node = self.count(Index(node.start, closing.end, node, inner))
            elif self.at("("):
                raise ExpressionError(
                    "only functions can be called",
                    self.text,
                    node.start,
                    node.end - node.start,
                    "such as lower(data.x)",
                )
            else:
                return node

    def member(self, target: Node, key: str | int, start: int, end: int, outer: int | None = None) -> Node:
        outer = end if outer is None else outer
        if isinstance(target, PathNode):
            return self.count(
                PathNode(target.start, outer, target.target, (*target.keys, key), (*target.places, (start, end)))
            )
        return self.count(PathNode(target.start, outer, target, (key,), ((start, end),)))

    def primary(self) -> Node:
        token = self.take()
        if token.kind in ("number", "text"):
            return self.count(Constant(token.start, token.end, token.value))
        if token.kind == "name":
            return self.count(self.named(token))
        if token.text == "(":
            node = self.expression()
            self.expect(")", "to close the bracket")
            return node
        if token.text == "[":
            return self.list_of(token)
        if token.text == "{":
            return self.object_of(token)
        if token.text == ".":
            return self.count(self.item(token))
        self.position -= 1
        raise self.unexpected()

    def named(self, token: Token) -> Node:
        word = token.text
        if self.at("(") and word not in _KEYWORDS:
            return self.call(token)
        if word in _CONSTANTS:
            return Constant(token.start, token.end, _CONSTANTS[word])
        if word in self.names:
            return Root(token.start, token.end, word)
        if word in _KEYWORDS:
            self.position -= 1
            raise self.unexpected()
        if word == "secret":
            raise self.error(
                "a secret cannot be used here", token, "secrets belong in sources: and connections:, as ${secret.NAME}"
            )
        if word in FUNCTIONS:
            raise self.error(f"'{word}' is a function", token, f"call it: {word}(...)")
        hint = name_hint(word, in_item=self.item_depth > 0, known=(*self.names, *_CONSTANTS))
        raise self.error(f"unknown name '{word}'", token, hint)

    def item(self, dot: Token) -> Node:
        if not self.item_depth:
            raise self.error(
                "'.' at the start stands for the item of a list function", dot, "write data. or raw. in front"
            )
        node = Item(dot.start, dot.end)
        name = self.token
        if name.kind == "name" and name.start == dot.end:
            self.take()
            if self.at("("):
                raise self.error("only functions can be called", name, f"write {name.text}(.)")
            return self.member(node, name.text, name.start, name.end)
        return node

    def list_of(self, opening: Token) -> Node:
        items: list[Node] = []
        while not self.at("]"):
            items.append(self.expression())
            self.separate("]", "between the items of a list")
        closing = self.take()
        return self.count(ListOf(opening.start, closing.end, tuple(items)))

    def object_of(self, opening: Token) -> Node:
        keys: list[str] = []
        values: list[Node] = []
        while not self.at("}"):
            key = self.token
            if key.kind not in ("name", "text"):
                raise self.error("expected a key", key, braces_hint(self.text) or "write: {'name': data.name}")
            self.take()
            name = key.value if key.kind == "text" else key.text
            if name in keys:
                raise self.error(f"the key '{name}' is written twice", key, "leave one of them out")
            if not self.at(":") and (hint := braces_hint(self.text)):
                raise self.error("an object cannot be read here", opening, hint)
            self.expect(":", "after a key")
            keys.append(name)
            values.append(self.expression())
            self.separate("}", "between the pairs of an object")
        closing = self.take()
        return self.count(ObjectOf(opening.start, closing.end, tuple(keys), tuple(values)))

    def call(self, name: Token) -> Node:
        function = FUNCTIONS.get(name.text)
        if function is None:
            hint = function_hint(name.text) or "`hooks rules functions` lists them all"
            raise self.error(f"unknown function '{name.text}'", name, hint)
        self.take()
        arguments: list[Node] = []
        while not self.at(")"):
            lazy = function.is_lazy(len(arguments))
            self.item_depth += lazy
            arguments.append(self.expression())
            self.item_depth -= lazy
            self.separate(")", "between the values of a function")
        closing = self.take()
        problem = function.arity_problem(len(arguments))
        if problem:
            raise self.error(problem, name, f"write: {function.signature}")
        return Call(name.start, closing.end, function, tuple(arguments), name.end)
