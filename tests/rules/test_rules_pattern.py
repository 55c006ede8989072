"""``matches``: the same answers as Python's own engine where both know the pattern, and never a long wait."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.rules.pattern import Pattern, PatternError

pieces = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", "(?:ab)", "(a|b)", "^", "$", "1", "-"])
repeats = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"])


@given(st.lists(st.tuples(pieces, repeats), max_size=6), st.text("ab1-\n", max_size=12))
def test_it_agrees_with_pythons_engine(parts: list[tuple[str, str]], text: str) -> None:
    pattern = "".join(piece + ("" if piece in "^$" else repeat) for piece, repeat in parts)
    at_end = pattern.replace("$", r"\Z")  # our $ is the very end, never before a last line break
    assert bool(re.search(at_end, text, re.ASCII)) == Pattern(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^45", "45040", True),
        ("^45$", "45040", False),
        (r"^\d{5}(-\d{4})?$", "45040-1234", True),
        ("(?i)no heat", "There is NO HEAT", True),
        ("a|b|", "", True),
        ("[]x]", "]", True),
        ("[a-c-]", "-", True),
        (r"\.", "a.b", True),
        ("", "anything", True),
    ],
)
def test_examples(pattern: str, text: str, expected: bool) -> None:
    assert expected == Pattern(pattern).search(text)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "a*a*a*a*a*a*b", "(.*)(.*)(.*)x$", "(a|b)*a(a|b){12}$"])
def test_no_pattern_makes_it_slow(pattern: str) -> None:
    compiled = Pattern(pattern)
    started = time.perf_counter()
    compiled.search("a" * 4095 + "!")
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?=a)", "(?<n>a)", "a*?", "a**", "*a", "(a", "a)", "[a", "a{2,1}", "a{101}", "a{x}", "^*", "a\\", r"\q",
     "((((a{50}){50}){50}){50})", "(" * 30 + ")" * 30, "x" * 300, "[b-a]", "((){100}){100}"],
)  # fmt: skip
def test_what_is_not_supported_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        Pattern(pattern)


@given(st.text(r"ab(){}[]*+?|^$\d,-1", max_size=30), st.text("ab1", max_size=10))
def test_any_pattern_is_compiled_or_refused(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern)
    except PatternError:
        return
    compiled.search(text)
