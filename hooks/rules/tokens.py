"""The words of an expression: text cut into names, numbers, quoted text and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from hooks.rules.elsewhere import braces_hint, sign_hint
from hooks.rules.faults import ExpressionError

MAX_CHARACTERS = 4000

TokenKind = Literal["name", "number", "text", "sign", "end"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<sign>\?\?|==|!=|<=|>=|&&|\|\||[-+*/%<>()\[\]{},.:!=?&|])
    | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "/": "/"}


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    start: int
    end: int
    value: Any = None


_LARGE = "a number has at most 30 digits; as text it goes in quotes"


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, the last one of kind ``end``. Raises ExpressionError."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS:,} characters", text[:MAX_CHARACTERS], 0, 1, "divide it")
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unknown(text, position)
        kind = match.lastgroup
        assert kind is not None
        word, start, end = match[kind], match.start(kind), match.end(kind)
        if kind == "end":
            tokens.append(Token("end", "", len(text.rstrip()), len(text.rstrip())))
            return tokens
        if kind == "number":
            if re.match(r"\w", text[end : end + 1]):
                shown = re.match(r"\w+", text[start:])
                length = len(shown[0]) if shown else 1
                hint = "a number is only digits, as in 5000; text goes in quotes"
                raise ExpressionError(f"'{text[start : start + length]}' is not a number", text, start, length, hint)
            tokens.append(Token("number", word, start, end, _number(text, word, start)))
        elif kind == "text":
            is_pattern = bool(tokens) and tokens[-1].text == "matches"  # a pattern keeps its own backslashes
            value = word[1:-1] if is_pattern else _unquote(text, word, start)
            tokens.append(Token("text", word, start, end, value))
        elif kind == "name":
            tokens.append(Token("name", word, start, end))
        else:
            tokens.append(Token("sign", word, start, end))
        position = end


def _number(text: str, word: str, start: int) -> int | float:
    if len(word) > 30:
        raise ExpressionError("this number is too long", text, start, len(word), _LARGE)
    if word.isdigit():
        if len(word) > 1 and word[0] == "0":
            if re.search(r"\d,$", text[:start]) and len(word) == 3:
                raise ExpressionError("unexpected ','", text, start - 1, 1, "write the number without the comma")
            raise ExpressionError("a number cannot start with 0", text, start, len(word), f"as text: '{word}'")
        return int(word)
    number = float(word)
    if number == float("inf"):
        raise ExpressionError("this number is too large", text, start, len(word), _LARGE)
    return number


def _unquote(text: str, word: str, start: int) -> str:
    if "\\" not in word:
        return word[1:-1]

    def escape(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) == 5:
            character = chr(int(code[1:], 16))
            if not 0xD800 <= ord(character) <= 0xDFFF:
                return character
        elif code in _ESCAPES:
            return _ESCAPES[code]
        raise ExpressionError(
            f"'\\{code}' is not an escape", text, start + 1 + match.start(), len(code) + 1, "write \\\\ for a backslash"
        )

    return _ESCAPE.sub(escape, word[1:-1])


def _unknown(text: str, position: int) -> ExpressionError:
    start = position + len(text[position:]) - len(text[position:].lstrip())
    character = text[start]
    if character in "'\"":
        return ExpressionError("text is not closed", text, start, len(text) - start, f"add the closing {character}")
    if character == "$":
        return ExpressionError("'$' has no meaning here", text, start, 1, braces_hint(text) or sign_hint(text, start))
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return ExpressionError(f"unexpected '{shown}'", text, start, 1, sign_hint(text, start))
