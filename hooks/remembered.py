"""What was made of the last texts, kept for the next time, and never much of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

LONGEST: Final = 200
"""Characters. What is longer is made anew each time: a thousand texts of a mebibyte would fill the memory."""


def remembered(most: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """For a function of a text that a sender chose: up to ``most`` results are kept."""

    def keeping(function: Callable[[str], T]) -> Callable[[str], T]:
        known = functools.lru_cache(maxsize=most)(function)

        @functools.wraps(function)
        def called(given: str) -> T:
            return known(given) if len(given) <= LONGEST else function(given)

        return called

    return keeping
