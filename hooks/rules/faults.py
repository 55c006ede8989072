"""The errors of the rule language: an expression that cannot be read, and one that cannot be evaluated.

Neither holds a value of an event: their sentences name fields, places and kinds of value only.
"""

from __future__ import annotations

from hooks.errors import HooksError


class ExpressionError(HooksError):
    """An expression that is not one: found when a file loads. ``column`` counts from 0 within ``text``."""

    def __init__(self, message: str, text: str, column: int, length: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.column = column
        self.length = max(1, length)
        self.hint = hint


class EvaluationError(HooksError):
    """An expression or a ``with:`` without a usable value for this event. ``column`` counts from 0 within ``text``."""

    def __init__(self, message: str, text: str = "", column: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.column = column
        self.length = length


class Fault(Exception):
    """Raised inside an evaluation, before it is known where in the text that was. Never leaves `hooks.rules`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.span: tuple[int, int] | None = None
