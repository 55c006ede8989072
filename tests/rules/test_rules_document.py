"""Reading YAML: what values become, where they stand, and what is said about mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.rules.document import DocumentError, Place, read_document


def mistake(text: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read_document(text)
    found = caught.value.mistake
    return f"{found.line}:{found.column} {found.message}" + (f" = {found.hint}" if found.hint else "")


def test_only_yaml_1_2_words_are_special() -> None:
    text = "[NO, yes, on, off, 12:30, 012, 00544, 2026-05-04, 1_000, '1', \"true\", .inf, =]"
    kept = ["NO", "yes", "on", "off", "12:30", "012", "00544", "2026-05-04", "1_000", "1", "true", ".inf", "="]
    assert kept == read_document(text).data
    assert [True, False, None, None, 1, -2, 1.5, 1000.0, 16, 8] == read_document(
        "[true, FALSE, null, ~, 1, -2, 1.5, 1e3, 0x10, 0o10]"
    ).data


def test_keys_are_always_text() -> None:
    assert {"on": 1, "no": 2, "1": 3, "null": 4} == read_document("on: 1\nno: 2\n1: 3\nnull: 4").data


def test_every_value_and_key_has_its_place() -> None:
    document = read_document('a: 1\nlist:\n  - name: "x y"\n    other: plain text\n')
    assert Place(1, 4, 1) == document.value(("a",))
    assert Place(3, 11, 5) == document.value(("list", 0, "name"))
    assert Place(3, 5, 4) == document.key(("list", 0, "name"))
    assert Place(4, 12, 10) == document.value(("list", 0, "other"))
    assert Place(4, 12, 10) == document.value(("list", 0, "other", "below"))


@pytest.mark.parametrize(
    ("text", "part", "place"),
    [
        ("k: one ${two}", "two", (1, 10)),
        ("k: 'it''s ${two}'", "two", (1, 13)),
        ('k: "a\\tb\\"${two}"', "two", (1, 13)),
        ("k: |\n  one\n  ${two}\n", "two", (3, 5)),
        ("k: >-\n  one\n\n  x ${two}\n", "two", (4, 7)),
        ("k: one\n  ${two}", "two", (2, 5)),
    ],
)
def test_the_inside_of_a_text_has_its_place_however_it_is_written(text: str, part: str, place: tuple[int, int]) -> None:
    document = read_document(text)
    found = document.value(("k",), document.data["k"].index(part), len(part))
    assert Place(*place, 3) == found


def test_places_below_an_alias_are_those_of_its_anchor() -> None:
    document = read_document("a: &x\n  b: 1\nc: *x\n")
    assert {"b": 1} == document.data["c"]
    assert Place(3, 4, 2) == document.value(("c",))
    assert Place(2, 6, 1) == document.value(("c", "b"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "3:1 the key 'a' is written twice = first on line 1"),
        (
            'when: "VIP" in data.tags',
            "1:7 text follows a quoted value = put the whole value in the other kind of quotes: '\"VIP\" in data.tags'",
        ),
        (
            "event: *.canceled",
            "1:8 a value cannot start with '*' (it means a YAML alias) = write it in quotes: '*.canceled'",
        ),
        (
            "with: {phone: ${data.phone}}",
            '1:15 ${...} inside { } or [ ] needs quotes = for example: {phone: "${data.phone}"}',
        ),
        (
            'summary: "${data.service ?? "Web lead"}: x"',
            "1:29 the text in double quotes ends here = inside ${ } write text in single quotes: 'Web lead'",
        ),
        ("a:\n  b: {{ data.x }}", "2:7 a key must be plain text = '{{ ... }}' must be quoted; use ${ ... }"),
        ("note: Job: ${data.id}", "1:10 a second ': ' inside the value = put the value in quotes"),
        ("a:\n\tb: 1", "2:1 a tab is used to indent = indent with spaces"),
        ("a: 1\nfoo\nb: 2", "3:1 the line above is missing a ':' = write 'key: value'"),
        ("a: 'x", "1:4 this quote is never closed = add the closing quote"),
        (
            "a:\n  - b\n   - c\n  d: 1",
            "4:3 this line is indented differently from the ones it belongs to = the list above starts in column 3",
        ),
        (
            "a:\n    b: 1\n  c: 2",
            "3:3 this line is indented differently from the ones it belongs to = the keys above start in column 1",
        ),
        ("<<: {a: 1}", "1:1 merging with '<<' is not supported = put shared settings under defaults: or vars:"),
        ("a: b\n---\nc: d", "2:1 a second document begins here = one file holds one document: remove the '---'"),
        ("a: [1, 2", "1:4 this '[' is never closed = add the ']'"),
        ("a: [\n", "1:5 a '[' or '{' is never closed = add the ']' or '}'"),
        ("a: [1,,2]", "1:7 a value is missing here = write it, or take the ',' away"),
        ("a: - b", "1:4 a list cannot begin on the line of its key = put it on the next line"),
        ("a: &b [*b]", "1:8 the alias *b contains itself"),
        (b"a: 1\nb: \xff", "2:1 the file is not UTF-8 text = save it as UTF-8 in the editor"),
        ("a: x\x00", "1:5 a character that YAML does not allow = remove the control character"),
    ],
)
def test_each_trap_of_yaml_has_a_sentence_of_its_own(text: str | bytes, expected: str) -> None:
    assert expected == mistake(text)


@pytest.mark.parametrize("text", ["a: !foo x", "a: ! data.x", "a: !!python/object:os.system x", "!x {a: 1}"])
def test_tags_are_refused(text: str) -> None:
    assert "are not supported" in mistake(text)


def test_a_small_file_cannot_grow_into_a_large_one() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "the aliases make more than" in mistake("\n".join(rows))


def test_aliases_nesting_and_size_are_bounded() -> None:
    assert "aliases in one file" in mistake("a: &a 1\nb: [" + "*a, " * 1001 + "1]")
    assert "levels deep" in mistake("[" * 60 + "]" * 60)
    assert "larger than 1 MiB" in mistake(b"#" * (1024 * 1024 + 1))
    assert "larger than 1 MiB" in mistake("é" * (600 * 1024))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text("{}[]:-*&!|>'\"#%@`,? \n\tab1$", max_size=60)))
def test_nothing_but_our_own_error_comes_out(raw: str | bytes) -> None:
    try:
        document = read_document(raw)
    except DocumentError as error:
        assert error.mistake.line >= 1
        assert error.mistake.column >= 1
        assert error.mistake.message
    else:
        document.comments()
        document.value((), 0, 1)
