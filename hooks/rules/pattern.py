"""The patterns of ``matches``: a small regular language whose work is linear in the text, whatever the pattern.

Supported: literals, ``.``, classes ``[a-z]`` and ``[^...]``, ``\\d \\w \\s`` and their capitals, groups ``( )`` and
``(?: )``, ``|``, ``* + ? {m} {m,n} {m,}``, ``^``, ``$``, and ``(?i)`` in front. Not supported, because they are what
makes other engines run for ever or remember: back-references, look-around, lazy quantifiers, named groups. A pattern
is found anywhere in the text unless ``^`` and ``$`` tie it.

The pattern becomes a list of states; the text is read once, with the set of states the pattern can be in. Sets are
remembered, so that ordinary texts cost one dictionary look-up a character.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_PATTERN = 256
MAX_TEXT = 4096
MAX_STATES = 400
MAX_REPEAT = 100
MAX_NESTING = 20
_MAX_REMEMBERED = 2000

_Test = Callable[[str], bool]


class PatternError(ValueError):
    """A pattern that is not one, or that goes beyond what is supported."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the parsed pattern."""

    kind: str  # "char", "start", "end", "then", "or", "repeat", "empty"
    test: _Test | None = None
    parts: tuple[_Part, ...] = ()
    least: int = 0
    most: int | None = None


class Pattern:
    """A compiled pattern. Raises PatternError when it cannot be one."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise PatternError(f"a pattern has at most {MAX_PATTERN} characters")
        self.text = text
        self.fold = text.startswith("(?i)")
        part = _Reader(text, 4 if self.fold else 0, self.fold).read()
        self._tests: list[_Test | None] = []
        self._next: list[list[int]] = []
        self._guards: list[str] = []
        self._built = 0
        self._accept = self._state()
        self._start = self._build(part, self._accept)
        self._memory: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._first = self._closure([self._start], at_start=True)
        self._again = self._closure([self._start], at_start=False)

    def search(self, text: str) -> bool:
        """Whether the pattern is found in the text, which must not be longer than `MAX_TEXT`."""
        if self.fold:
            text = text.lower()
        states = self._first
        memory = self._memory
        accept = self._accept
        for character in text:
            if accept in states:
                return True
            following = memory.get((states, character))
            if following is None:
                following = self._step(states, character)
                if len(memory) >= _MAX_REMEMBERED:
                    memory.clear()
                memory[states, character] = following
            states = following
        return accept in states or accept in self._closure(states, at_start=not text, at_end=True)

    def _step(self, states: frozenset[int], character: str) -> frozenset[int]:
        moved: list[int] = []
        for state in states:
            test = self._tests[state]
            if test is not None and test(character):
                moved.extend(self._next[state])
        return self._closure(moved, at_start=False) | self._again

    def _closure(self, states: list[int] | frozenset[int], *, at_start: bool, at_end: bool = False) -> frozenset[int]:
        """All states reachable without reading a character."""
        seen: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            if self._tests[state] is not None:
                continue
            guard = self._guards[state]
            if (guard == "start" and not at_start) or (guard == "end" and not at_end):
                continue
            waiting.extend(self._next[state])
        return frozenset(seen)

    # --- building ---

    def _state(self, test: _Test | None = None, guard: str = "") -> int:
        if len(self._tests) >= MAX_STATES:
            raise PatternError("the pattern is too large once its repetitions are written out")
        self._tests.append(test)
        self._next.append([])
        self._guards.append(guard)
        return len(self._tests) - 1

    def _build(self, part: _Part, following: int) -> int:
        """Add the states of a part, leading to ``following``; the state it begins in."""
        self._built += 1
        if self._built > 10 * MAX_STATES:
            raise PatternError("the pattern is too large once its repetitions are written out")
        if part.kind == "empty":
            return following
        if part.kind in ("char", "start", "end"):
            state = self._state(part.test, "" if part.kind == "char" else part.kind)
            self._next[state].append(following)
            return state
        if part.kind == "then":
            for piece in reversed(part.parts):
                following = self._build(piece, following)
            return following
        if part.kind == "or":
            begins = [self._build(piece, following) for piece in part.parts]
            state = self._state()
            self._next[state].extend(begins)
            return state
        inner = part.parts[0]
        if part.most is None:
            loop = self._state()
            self._next[loop].extend([self._build(inner, loop), following])
            following = loop
        else:
            end = following
            for _ in range(part.most - part.least):
                fork = self._state()
                self._next[fork].extend([self._build(inner, following), end])
                following = fork
        for _ in range(part.least):
            following = self._build(inner, following)
        return following


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


_CLASSES: dict[str, _Test] = {
    "d": _is_digit,
    "w": _is_word,
    "s": str.isspace,
    "D": lambda character: not _is_digit(character),
    "W": lambda character: not _is_word(character),
    "S": lambda character: not character.isspace(),
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str, position: int, fold: bool) -> None:
        self.text = text
        self.position = position
        self.fold = fold
        self.nesting = 0

    def read(self) -> _Part:
        part = self.alternatives()
        if self.position < len(self.text):
            raise PatternError("the pattern has a ')' too many")
        return part

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def alternatives(self) -> _Part:
        options = [self.sequence()]
        while self.peek() == "|":
            self.position += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else _Part("or", parts=tuple(options))

    def sequence(self) -> _Part:
        pieces: list[_Part] = []
        while self.peek() not in ("", "|", ")"):
            pieces.append(self.repeated(self.single()))
        return pieces[0] if len(pieces) == 1 else _Part("then", parts=tuple(pieces))

    def repeated(self, part: _Part) -> _Part:
        sign = self.peek()
        if sign == "*":
            least, most = 0, None
        elif sign == "+":
            least, most = 1, None
        elif sign == "?":
            least, most = 0, 1
        elif sign == "{":
            least, most = self.counts()
        else:
            return part
        if sign != "{":
            self.position += 1
        if part.kind in ("start", "end"):
            raise PatternError("the pattern repeats '^' or '$'")
        if self.peek() in ("*", "+", "?", "{") and self.peek():
            raise PatternError("the pattern has two repetitions in a row; lazy and possessive ones are not supported")
        return _Part("repeat", parts=(part,), least=least, most=most)

    def counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.position)
        inner = self.text[self.position + 1 : end] if end > 0 else ""
        low, comma, high = inner.partition(",")
        if not low.isascii() or not low.isdigit() or (high and not (high.isascii() and high.isdigit())):
            raise PatternError("a repetition is written {2}, {2,} or {2,5}; a literal '{' is written \\{")
        least = int(low[:4])
        most = int(high[:4]) if high else (None if comma else least)
        if least > MAX_REPEAT or (most or 0) > MAX_REPEAT:
            raise PatternError(f"a repetition goes up to {MAX_REPEAT}")
        if most is not None and most < least:
            raise PatternError("a repetition ends before it begins")
        self.position = end + 1
        return least, most

    def single(self) -> _Part:
        character = self.peek()
        self.position += 1
        if character == "(":
            return self.group()
        if character == "[":
            return _Part("char", self.char_class())
        if character == ".":
            return _Part("char", lambda read: read != "\n")
        if character == "^":
            return _Part("start")
        if character == "$":
            return _Part("end")
        if character in "*+?{":
            raise PatternError(f"nothing stands before '{character}' that could be repeated")
        if character == "\\":
            return _Part("char", self.escaped())
        return _Part("char", self.literal(character))

    def group(self) -> _Part:
        if self.peek() == "?":
            if not self.text.startswith("?:", self.position):
                raise PatternError("only plain groups ( ) and (?: ) are supported, and (?i) at the very start")
            self.position += 2
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise PatternError(f"the pattern is nested more than {MAX_NESTING} deep")
        part = self.alternatives()
        self.nesting -= 1
        if self.peek() != ")":
            raise PatternError("the pattern lacks a ')'")
        self.position += 1
        return part

    def literal(self, character: str) -> _Test:
        wanted = character.lower() if self.fold else character
        return wanted.__eq__

    def escaped(self) -> _Test:
        character = self.peek()
        self.position += 1
        if character == "":
            raise PatternError("the pattern ends with a backslash")
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return self.literal(_CONTROLS[character])
        if character.isalnum():
            raise PatternError(f"'\\{character}' is not supported in a pattern")
        return self.literal(character)

    def char_class(self) -> _Test:
        negated = self.peek() == "^"
        self.position += negated
        tests: list[_Test] = []
        first = True
        while first or self.peek() != "]":
            first = False
            character = self.peek()
            if character == "":
                raise PatternError("the pattern lacks a ']'")
            self.position += 1
            if character == "\\":
                if self.peek() in _CLASSES and self.peek():
                    tests.append(self.escaped())
                    continue
                character = self.class_escape()
            if self.peek() == "-" and self.text[self.position + 1 : self.position + 2] not in ("]", ""):
                self.position += 1
                last = self.peek()
                self.position += 1
                if last == "\\":
                    last = self.class_escape()
                tests.append(self.between(character, last))
            else:
                tests.append(self.literal(character))
        self.position += 1
        found = tuple(tests)
        if negated:
            return lambda read: not any(test(read) for test in found)
        return lambda read: any(test(read) for test in found)

    def class_escape(self) -> str:
        character = self.peek()
        self.position += 1
        if character in _CONTROLS and character:
            return _CONTROLS[character]
        if character == "" or character.isalnum():
            raise PatternError(f"'\\{character}' is not supported in a pattern")
        return character

    def between(self, first: str, last: str) -> _Test:
        if last < first:
            raise PatternError(f"the range {first}-{last} ends before it begins")
        if self.fold:
            return lambda read: first <= read <= last or first <= read.upper() <= last
        return lambda read: first <= read <= last
