"""The rule language: what expressions mean, what they refuse, and that nothing gets out of hand."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.rules.expression import compile_expression
from hooks.rules.faults import EvaluationError, ExpressionError
from hooks.rules.functions import FUNCTIONS
from hooks.rules.template import compile_template

DATA: dict[str, Any] = {
    "total_cents": 15000,
    "tags": ["VIP", "plan"],
    "customer": {"first_name": "Maya", "phone": "(513) 555-0142", "email": " Maya@Example.org", "odd key": 1},
    "line_items": [{"kind": "labor", "cents": 9000}, {"kind": "materials", "cents": 6000}, {"kind": None}],
    "note": "",
    "nothing": None,
    "count": "12",
    "nested": [[1, 2], [3]],
    "start": "2026-05-04T14:02:11Z",
}
NAMES: dict[str, Any] = {
    "type": "job.completed",
    "id": "evt_1",
    "data": DATA,
    "raw": {"in": 1},
    "vars": {},
    "steps": {},
}


def value(text: str) -> Any:
    return compile_expression(text).evaluate(NAMES)


def refused(text: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    error = caught.value
    return f"{error.column}: {error.message}" + (f" = {error.hint}" if error.hint else "")


def fault(text: str) -> str:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    return f"{caught.value.column}+{caught.value.length}: {caught.value.message}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.total_cents >= 5000", True),
        ("data.total_cents > 15000.0", False),
        ("not data.tags contains 'do-not-sync'", True),
        ("data.tags contains 'VIP' and type == 'job.completed'", True),
        ("data.tags contains 'vip' || data['customer']['odd key'] == 1", True),
        ("!(type == 'x') && true", True),
        ("'plan' in data.tags", True),
        ("'x' not in data.tags", True),
        ("type in ['job.completed', 'job.canceled']", True),
        ("'phone' in data.customer", True),
        ("'Ma' in data.customer.first_name", True),
        ("type startswith 'job.' and type endswith '.completed'", True),
        (r"type matches '^job\.\w+$'", True),
        ("raw.in == 1", True),
        ("data.line_items[0].kind", "labor"),
        ("data.line_items[-3].cents", 9000),
        ("data.line_items[1 - 1]['kind']", "labor"),
        ("data.nested[0][1]", 2),
        ("data.total_cents / 100", 150.0),
        ("7 % 4 + 2 * 3 - 1", 8),
        ("-data.total_cents", -15000),
        ("2 + 3 * 4 == 14", True),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("{'a': data.total_cents, b: [1, null]}", {"a": 15000, "b": [1, None]}),
        ("'big' if data.total_cents > 10000 else 'small'", "big"),
        ("1 if false else 2 if false else 3", 3),
        ("data.missing ?? data.nothing ?? 'x'", "x"),
        ("data.missing ?? 0 > 5", False),
        ("data.note ?? 'x'", ""),
        ("any(data.line_items, .kind == 'labor' and .cents > 5000)", True),
        ("all(data.line_items, .kind != null)", False),
        ("map(data.nested, sum(.))", [3, 3]),
        ("map(data.line_items, any(data.tags, . == 'VIP') and .kind == 'labor')", [True, False, False]),
        ("find(data.line_items, .kind == 'materials').cents", 6000),
        ("sum(data.line_items, .cents)", 15000),
        ("first(data.note, data.missing, data.customer.first_name)", "Maya"),
        ("phone(data.customer.phone)", "+15135550142"),
        ("phone('+44 20 7946 0958')", None),
        ("phone('787-555-0123')", "+17875550123"),
        ("phone('12')", None),
        ("email(data.customer.email)", "maya@example.org"),
        ("email('not an address')", None),
        ("dollars(data.total_cents)", "150.00"),
        ("dollars(-5)", "-0.05"),
        ("cents('150.00')", 15000),
        ("cents(19.99)", 1999),
        ("cents('1.2.3')", None),
        ("number('x')", None),
        ("number(' -12 ')", -12),
        ("date(data.start, 'ddd h:mm A')", "Mon 2:02 PM"),
        ("date(in_zone(data.start, 'America/Denver'), 'YYYY-MM-DD HH:mm')", "2026-05-04 08:02"),
        ("later(data.start, '-2h')", "2026-05-04T12:02:11Z"),
        ("round(2.5)", 3),
        ("slice(data.tags, 1)", ["plan"]),
        ("unique([1, 1.0, '1', 1, true])", [1, "1", True]),
        ("join(' ', data.customer.first_name, null, data.note, 5, data.tags)", "Maya 5 VIP plan"),
        ("join(', ', null, data.nowhere) ?? 'nothing'", "nothing"),
        ("join(', ', map([{'name': ''}], .name)) ?? 'nobody'", "nobody"),
        ("join(', ', [])", None),
        ("text(1.0)", "1"),
        ("text(0.1)", "0.1"),
    ],
)
def test_values(text: str, expected: Any) -> None:
    found = value(text)
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    "text",
    [
        "data.missing.deeper[0].x",
        "data.total_cents.x",
        "data.tags.x",
        "data.tags[9]",
        "data[data.missing]",
        "-data.missing",
        "data.missing + 1",
        "1 * data.missing",
        "upper(data.missing)",
        "len(data.missing)",
        "map(data.missing, .x)",
        "sum(data.missing)",
        "dollars(data.nothing)",
        "steps.customer.id",
        "error.message",
        "min(data.missing)",
    ],
)
def test_what_is_missing_is_null_and_so_is_everything_made_of_it(text: str) -> None:
    assert value(text) is None


@pytest.mark.parametrize(
    "text",
    ["data.missing > 5", "data.missing <= 5", "data.missing contains 'x'", "data.tags contains data.missing",
     "data.missing in data.tags", "data.missing startswith 'x'", "data.missing matches 'x'", "any(data.missing, true)",
     "all(data.missing, true)", "data.missing", "data.note", "[]", "{}", "0", "not true", "1 == true", "1 == '1'",
     "data.count == 12", "data.missing == 0", "[1] == [true]"],
)  # fmt: skip
def test_these_do_not_hold(text: str) -> None:
    assert compile_expression(text).holds(NAMES) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.total_cents > '5000'", "0+25: cannot compare a number with text"),
        ("data.count + 1", "0+14: cannot add text and a number"),
        ("data.tags - 1", "0+13: cannot calculate with a list"),
        ("1 + 1 / 0", "4+5: division by zero"),
        ("lower(data.tags)", "0+16: lower() needs text, got a list"),
        ("true and upper(data.total_cents) == 'x'", "9+23: upper() needs text, got a number"),
        ("data.total_cents contains 1", "0+27: a number cannot contain anything"),
        ("5000000000 * 5000000000", "0+23: the number is too large"),
        ("date('soon')", "0+12: this text is not a date or an instant such as 2026-05-04T14:02:11Z"),
        ("in_zone('2026-05-04T14:02:11', 'America/Denver')", "0+48: in_zone() needs an instant with its zone, "
         "such as 2026-05-04T14:02:11Z"),
        ("in_zone(data.start, '../etc/passwd')", "0+36: this is not a time zone; write a name such as "
         "'America/New_York'"),
        ("data.line_items[true]", "0+21: an index is a whole number or text, not true or false"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_where_and_why(text: str, expected: str) -> None:
    assert expected == fault(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.total = 5", "11: unexpected '=' = use '==' to compare"),
        ("dta.total > 5", "0: unknown name 'dta' = did you mean 'data'?"),
        ("VIP", "0: unknown name 'VIP' = text goes in quotes: 'VIP'"),
        ("jion(', ', data.x)", "0: unknown function 'jion' = did you mean 'join'?"),
        ("data.x.lower()", "7: only functions can be called = write lower(...) with the value inside"),
        ("data.a < data.b < 3", "16: comparisons cannot be chained = write: a < b and b < c"),
        ("data.x == 'abc", "10: text is not closed = add the closing '"),
        ("lower()", "0: lower() takes 1 value, got 0 = write: lower(text)"),
        ("slice('a')", "0: slice() takes 2 to 3 values, got 1 = write: slice(value, start[, end])"),
        ("upper(data.lead_source", "22: expected ')' at the end = add the closing )"),
        ("data.x and", "10: the expression ends too early = a value is missing at the end"),
        ("", "0: the expression is empty = write a name, such as data.customer.email"),
        ("data.zip == 045", "12: a number cannot start with 0 = as text: '045'"),
        ("secret.KEY", "0: a secret cannot be used here = secrets belong in sources: and connections:, as "
         "${secret.NAME}"),
        ("data.x is null", "7: unexpected 'is' = write == or !="),
        ("None", "0: unknown name 'None' = write null"),
        (".kind == 'x'", "0: '.' at the start stands for the item of a list function = write data. or raw. in front"),
        ("data.items.0.x", "11: after '.' comes a name = a position is written [0]"),
        ("data.x not contains 'a'", "7: unexpected 'not contains' = put not in front: not data.x contains ..."),
        ("data.x matches data.y", "15: after matches comes a pattern in quotes = for example: data.zip matches '^45'"),
        ("data.x ? 1 : 2", "7: unexpected '?' = write: x if condition else y"),
        ("${data.x}", "0: '$' has no meaning here = inside ${ } write the bare name"),
        ("lower", "0: 'lower' is a function = call it: lower(...)"),
        ("data.x; 1", "6: unexpected ';' = one expression only; when: takes a list, one condition a line"),
        ("x = lambda: 1", "0: unknown name 'x' = text goes in quotes: 'x'"),
    ],
)  # fmt: skip
def test_what_is_no_expression_says_where_and_what_to_write(text: str, expected: str) -> None:
    assert expected == refused(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 41 + "1" + ")" * 41, "not " * 50 + "true", "-" * 50 + "data.x", "1" + " + 1" * 300, "data" + ".a" * 400],
)
def test_size_is_limited(text: str) -> None:
    assert "more than" in refused(text)


def test_an_expression_is_at_most_4000_characters() -> None:
    assert "4,000" in refused("'" + "x" * 4000 + "'")


def test_equal_texts_share_one_compiled_expression() -> None:
    assert compile_expression("data.shared == 1") is compile_expression("data.shared == 1")


def test_it_knows_what_it_reads() -> None:
    expression = compile_expression("first(data.a.b, raw['odd key'][0]) == type and any(data.tags, . == vars.tag)")
    assert ("data.a.b", "raw['odd key'][0]", "type", "data.tags", "vars.tag") == expression.paths


@pytest.mark.parametrize(
    "text",
    [
        "any(raw.many, any(raw.many, .x == 1 and . == 2))",
        "len(map(raw.many, map(raw.many, data.note + 'x')))",
        "any(raw.many, raw.big contains text(.))",
        "map(raw.many, raw.big + 'x')",
        "any(raw.many, raw.many == raw.other)",
        "map(raw.many, [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20])",
        "any(raw.many, raw.many contains -1)",
    ],
)
def test_work_is_bounded(text: str) -> None:
    names = {**NAMES, "raw": {"many": list(range(20_000)), "other": [*range(19_999), 0], "big": "y" * 65_000}}
    expression = compile_expression(text)
    started = time.perf_counter()
    with pytest.raises(EvaluationError, match=r"steps|64 KiB"):
        expression.evaluate(names)
    assert time.perf_counter() - started < 3


def test_text_is_bounded() -> None:
    names = {**NAMES, "data": {"long": "y" * 40_000}}
    for text in ("data.long + data.long", "join('', data.long, data.long)", "replace(data.long, 'y', 'zz')"):
        with pytest.raises(EvaluationError, match="64 KiB"):
            compile_expression(text).evaluate(names)
    with pytest.raises(EvaluationError, match="64 KiB"):
        compile_template("${data.long} ${data.long}").evaluate(names)


def test_nothing_of_python_can_be_reached() -> None:
    for text in ("data.__class__", "data['__class__']", "type.upper", "data.keys", "data.tags.append", "vars.items"):
        assert value(text) is None


# --- templates ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${data.total_cents}", 15000),
        ("${data.tags}", ["VIP", "plan"]),
        ("${data.missing}", None),
        ("Hi ${data.customer.first_name}${data.missing}!", "Hi Maya!"),
        ("${data.total_cents / 100} USD", "150 USD"),
        ("${true} ${1.5} ${data.tags}", 'true 1.5 ["VIP","plan"]'),
        ("costs $${x} and $5", "costs ${x} and $5"),
        ("${'}' + '{'}", "}{"),
        ("${ {'a': 1} }", {"a": 1}),
        ("", ""),
    ],
)
def test_a_value_that_is_one_expression_keeps_its_type(text: str, expected: Any) -> None:
    assert expected == compile_template(text).evaluate(NAMES)


def test_columns_of_a_template_count_from_its_start() -> None:
    with pytest.raises(ExpressionError) as refused_:
        compile_template("Job ${data.id} ${dta.x}")
    assert 17 == refused_.value.column
    with pytest.raises(ExpressionError, match="not closed"):
        compile_template("Job ${data.id")
    with pytest.raises(EvaluationError) as failed:
        compile_template("Job ${data.id} ${1 / 0}").evaluate(NAMES)
    assert 17 == failed.value.column


# --- whatever is written ---

words = st.sampled_from(
    [
        *FUNCTIONS,
        "data",
        "raw",
        "type",
        "id",
        ".",
        ".x",
        "tags",
        "line_items",
        "total_cents",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "and",
        "or",
        "not",
        "in",
        "contains",
        "startswith",
        "endswith",
        "matches",
        "if",
        "else",
        "==",
        "!=",
        "<",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "??",
        "'a'",
        "'^a+$'",
        "'2h'",
        "'2026-05-04T14:02:11Z'",
        "1",
        "0",
        "2.5",
        "null",
        "true",
        "data.tags",
        "data.line_items",
        "data.total_cents",
        "data.customer",
        "=",
        "|",
        "'",
        "\\",
        "é",
        "$",
    ]
)
atoms = st.sampled_from(
    [
        "data.tags",
        "data.line_items",
        "data.total_cents",
        "data.customer",
        "data.note",
        "data.missing",
        "data.start",
        "raw",
        "1",
        "0",
        "-3",
        "2.5",
        "1e300",
        "'a'",
        "''",
        "'2h'",
        "true",
        "null",
        "[]",
        "['x', 1, null]",
        "{'k': data.tags}",
    ]
)
operators = st.sampled_from(
    ["and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "startswith", "endswith", "+", "-", "*",
     "/", "%", "??"]
)  # fmt: skip


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    calls = st.tuples(st.sampled_from(list(FUNCTIONS)), st.lists(inner, min_size=1, max_size=3)).map(
        lambda pair: f"{pair[0]}({', '.join(pair[1])})"
    )
    return st.one_of(
        calls,
        st.tuples(inner, operators, inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        inner.map(lambda part: f"not {part}"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
    )


def _try(text: str, names: dict[str, Any]) -> None:
    before = copy.deepcopy(names)
    try:
        compile_expression(text).evaluate(names)
    except (ExpressionError, EvaluationError) as error:
        assert 0 <= error.column <= len(text)
    assert before == names


@given(st.lists(words, max_size=14))
def test_token_soup_raises_nothing_but_our_own_errors(tokens: list[str]) -> None:
    _try(" ".join(tokens), NAMES)


@given(st.recursive(atoms, _grown, max_leaves=12))
@settings(max_examples=300)
def test_no_well_formed_expression_raises_anything_else_or_changes_the_event(text: str) -> None:
    _try(text, NAMES)


@given(st.text(max_size=60))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    _try(text, NAMES)
    try:
        compile_template(text).evaluate(NAMES)
    except (ExpressionError, EvaluationError) as error:
        assert error.message


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "kind"]), inner)),
    max_leaves=6,
)


@given(st.sampled_from(list(FUNCTIONS.values())), st.lists(json_values, min_size=1, max_size=3))
def test_no_function_raises_anything_else_whatever_it_is_given(function: Any, arguments: list[Any]) -> None:
    names = {"raw": {str(number): argument for number, argument in enumerate(arguments)}, "data": DATA}
    written = ", ".join(".kind" if function.is_lazy(number) else f"raw['{number}']" for number in range(len(arguments)))
    try:
        compile_expression(f"{function.name}({written})").evaluate(names)
    except (ExpressionError, EvaluationError) as error:
        assert error.message
