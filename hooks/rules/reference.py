"""The reference of the functions of expressions, made from the table that the parser reads."""

from __future__ import annotations

import json
from typing import Any

from hooks.rules.expression import compile_expression
from hooks.rules.functions import FUNCTIONS
from hooks.rules.kinds import describe

_HEAD = """\
<!-- Made by `make docs` from hooks/rules/functions.py. -->
# Functions of expressions

For `when`, `if`, `once_per` and `${ }` in a rules file; the language itself is in [rules.md](../rules.md#expressions).
In `map`, `filter`, `find`, `any`, `all` and `sum` the second value is worked out for every item: `.` is the item and
`.kind` its field, as in `any(data.line_items, .kind == 'labor')`. A function of null gives null, unless its row says
otherwise.

"""


def functions() -> list[dict[str, Any]]:
    """Each with its signature, what it takes and gives, and an example with its result."""
    return [
        {
            "name": function.name,
            "signature": function.signature,
            "takes": [describe(parameter.kinds) for parameter in function.parameters],
            "gives": describe(function.returns),
            "summary": function.summary,
            "example": function.example,
            "result": compile_expression(function.example).evaluate({}),
        }
        for function in FUNCTIONS.values()
    ]


def functions_page() -> str:
    """The page of the reference, in Markdown."""
    rows = ["| function | gives | kind | example | result |", "|---|---|---|---|---|"]
    for each in functions():
        result = json.dumps(each["result"], ensure_ascii=False)
        cells = (f"`{each['signature']}`", each["summary"], each["gives"], f"`{each['example']}`", f"`{result}`")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return _HEAD + "\n".join(rows) + "\n"
