"""Texts of a source's settings that are read off each delivery."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from hooks.kit.paths import Located, PathText, Templated

RAW = {
    "action": " opened ",
    "n": 7,
    "big": "x" * 201,
    "deep": [{"it's": "here"}],
    "yes": True,
    "a-b": "c",
    "lines": "a\nb",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.paid", "order.paid"),
        ("${raw.action}", "opened"),
        ("${ raw.action }", "opened"),
        ("pr.${raw.action}/${raw.n}", "pr.opened/7"),
        ("${raw['action']}", "opened"),
        ('${raw["a-b"]}-${raw.a-b}', "c-c"),
        ("""${raw.deep[0]["it's"]}""", "here"),
        ("${headers['X-GitHub-Event']}", "push"),
        ("${headers.x-github-event}", "push"),
    ],
)
def test_paths_find_texts_and_whole_numbers(text: str, expected: str) -> None:
    assert expected == PathText(text).read(RAW, {"x-github-event": "push"})


@pytest.mark.parametrize(
    "text",
    [
        "${raw.nothing}",
        "${raw.action.deeper}",
        "${raw.deep[1]}",
        "${raw.deep.name}",
        "${raw[0]}",
        "${raw.yes}",
        "${raw.deep}",
        "${raw.big}",
        "${raw.lines}",
        "a${raw.nothing}b",
        "${headers['x-other']}",
        "x" * 201,
    ],
)
def test_a_text_is_whole_or_not_there(text: str) -> None:
    assert PathText(text).read(RAW, {}) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("${data.x}", "neither raw nor headers"),
        ("${secret.KEY}", "neither raw nor headers"),
        ("${rawest.x}", "neither raw nor headers"),
        ("${}", "neither raw nor headers"),
        ("${raw}", "the whole body"),
        ("${raw.a + 1}", "not a path"),
        ("${raw..a}", "not a path"),
        ("${raw.a", "without its }"),
        ("${headers}", "one header"),
        ("${headers['a'].b}", "one header"),
        ("${headers[0]}", "one header"),
        ("${headers['no header']}", "not the name of a header"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_what_is_no_path_is_an_error_that_says_so(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PathText(text)


def test_the_headers_of_a_text_are_known() -> None:
    assert frozenset({b"x-a", b"x-b"}) == PathText("${headers['X-A']}${raw.a}${headers.x-b}").headers


class Some(BaseModel):
    text: Templated | None = None
    place: Located | None = None


@pytest.mark.parametrize("place", ["raw.id", " raw.id ", "${raw.id}"])
def test_a_place_may_stand_without_its_braces(place: str) -> None:
    found = Some(place=place).place
    assert found is not None
    assert "7" == PathText(found).read({"id": 7}, {})


@pytest.mark.parametrize("keys", [{"place": "constant"}, {"place": ""}, {"text": "${x}"}, {"text": ""}])
def test_settings_refuse_what_is_no_path(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Some.model_validate(keys)


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), below, max_size=2),
    max_leaves=8,
)


@given(anything)
def test_reading_is_total(raw: Any) -> None:
    found = PathText("${raw.a.b}${raw['a'][0]}").read(raw, {})
    assert found is None or 0 < len(found) <= 200
