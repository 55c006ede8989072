"""What is written as JSON text is read as the same values, whatever can be spelled in JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hooks.store.rows import dump, load

_LONE = st.text(st.characters(exclude_categories=[]), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**30, 10**40) | st.floats(allow_nan=False) | _LONE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_LONE, inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_values_come_back_as_they_were(value: object) -> None:
    text = dump(value)
    assert value == load(text) == json.loads(text)


def test_nesting_of_any_depth_comes_back() -> None:
    text = "[" * 400 + "]" * 400
    assert json.loads(text) == load(text)
