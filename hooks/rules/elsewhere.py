"""What other languages write in an expression, and how it is written here: only for hints, nothing is read by it.

Authors of rules come from SQL, JavaScript, Python, spreadsheets and the templates of other tools. A word or sign that
is not known here is looked up in these tables before it is compared with what is known.
"""

from __future__ import annotations

import re
from typing import Final

from hooks import canonical
from hooks.rules.findings import did_you_mean
from hooks.rules.functions import FUNCTIONS

_NAMES: Final = {
    "true": "write true", "false": "write false", "none": "write null", "nil": "write null", "undefined": "write null",
    "and": "write and", "or": "write or", "not": "write not", "null": "write null",
    "event": "write its parts: type, source, data, raw", "payload": "write data or raw", "body": "write data or raw",
    "secrets": "write secret.NAME, in sources: and connections: only",
    "env": "secrets are written ${secret.NAME}, in sources: and connections: only",
}  # fmt: skip

_OPERATORS: Final = {
    "is": "write == or !=", "equals": "write ==", "eq": "write ==", "ne": "write !=",
    "like": "write contains or matches", "has": "write contains or matches", "includes": "write contains or matches",
    "regex": "write matches", "gt": "write >", "gte": "write >=", "lt": "write <", "lte": "write <=",
    "greater": "write >", "more": "write >", "above": "write >", "less": "write <", "fewer": "write <",
    "below": "write <", "between": "write: x >= a and x <= b", "starts": "write startswith", "ends": "write endswith",
    "does": "put not in front: not data.x contains ...", "then": "write: x if condition else y",
    "elif": "write: x if condition else y", "xor": "write (a or b) and not (a and b)",
}  # fmt: skip

_FUNCTIONS: Final = {
    "now": "write received_at, the moment at which the event came",
    "today": "write date(received_at), the day on which the event came",
    "coalesce": "write x ?? y", "ifnull": "write x ?? y", "nvl": "write x ?? y", "isset": "write x != null",
    "exists": "write x != null", "defined": "write x != null", "isnull": "write x == null",
    "empty": "write not x", "isempty": "write not x", "isblank": "write not x", "concat": "write a + b, or join(...)",
    "count": "write len(...)", "length": "write len(...)", "size": "write len(...)",
    "int": "write number(...)", "float": "write number(...)", "str": "write text(...)", "string": "write text(...)",
    "tostring": "write text(...)", "uppercase": "write upper(...)", "touppercase": "write upper(...)",
    "ucase": "write upper(...)", "lowercase": "write lower(...)", "tolowercase": "write lower(...)",
    "lcase": "write lower(...)", "strip": "write trim(...)", "substring": "write slice(...)",
    "substr": "write slice(...)", "left": "write slice(x, 0, 5)", "formatdate": "write date(x, 'D MMM YYYY')",
    "strftime": "write date(x, 'D MMM YYYY')", "iif": "write: x if condition else y",
    "select": "write filter(...)", "where": "write filter(...)", "some": "write any(...)", "every": "write all(...)",
}  # fmt: skip

_INFIX: Final = {
    "includes": "contains", "contains": "contains", "has": "contains", "startswith": "startswith",
    "endswith": "endswith", "match": "matches", "matches": "matches", "test": "matches", "equals": "==", "in": "in",
}  # fmt: skip

_SIGNS: Final = {
    ";": "one expression only; when: takes a list, one condition a line",
    "~": "write matches, with the pattern in quotes",
    "•": "a list item begins with a dash and a blank: - data.x",
    **dict.fromkeys("€£¥", "write the number alone; money is whole cents: 5000 for 50 dollars"),
    "≥": "write >=", "≤": "write <=", "≠": "write !=", "×": "write *", "÷": "write /",
    **dict.fromkeys("“”„‟«»", "a word processor's quotes: type ' or \" anew"),
    **dict.fromkeys("‘’‚‛´`", "a word processor's quotes: type ' anew"),
    **dict.fromkeys("–—−", "a word processor's dash: type - anew"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", "it cannot be seen, and came with copied text: type it anew"),
}  # fmt: skip

_ITEMS: Final = frozenset({"item", "it", "x", "i", "each", "this", "self", "row", "element"})
_OBJECTS: Final = frozenset({"job", "lead", "estimate", "invoice", "payment", "appointment", "employee", "trigger"})
_FIELDS: Final = frozenset(
    name
    for model in (canonical.Job, canonical.Lead, canonical.Invoice, canonical.Estimate, canonical.Appointment)
    for name in model.model_fields
)


def name_hint(word: str, *, in_item: bool, known: tuple[str, ...]) -> str:
    """For a name that is none here. ``in_item``: where ``.`` is the item of a list."""
    folded = word.lower()
    if folded in _NAMES:
        return _NAMES[folded]
    if "_" in word and word.isupper():
        allowed = "secret" in known
        return (
            f"write secret.{word}"
            if allowed
            else "secrets are written ${secret.NAME}, in sources: and connections: only"
        )
    if in_item and folded in _ITEMS:
        return "the item is written . and its fields .name"
    if near := did_you_mean(word, known):
        return near
    if in_item:
        return f"a field of the item is written .{word}, text in quotes: '{word}'"
    if folded in _OBJECTS:
        return "write data for what the event is about, as in data.id"
    if folded in _FIELDS:
        return f"write data.{folded}; text goes in quotes: '{word}'"
    return f"text goes in quotes: '{word}'"


def operator_hint(word: str) -> str:
    """For a word between two values that is no operator here."""
    return _OPERATORS.get(word.lower(), "") or ("" if word.islower() else _NAMES.get(word.lower(), ""))


def function_hint(word: str) -> str:
    """For a function that there is not."""
    return _FUNCTIONS.get(word.lower().replace("_", ""), "") or did_you_mean(word, FUNCTIONS)


def method_hint(word: str, target: str) -> str:
    """For ``data.tags.includes(...)``: how that is asked of ``data.tags`` here."""
    plain = word.lower().replace("_", "")
    if plain in _INFIX:
        return f"write {target} {_INFIX[plain]} ..."
    if word in FUNCTIONS:
        return f"write {word}(...) with the value inside"
    return _FUNCTIONS.get(plain, "") or did_you_mean(word, FUNCTIONS) or "such as lower(data.x)"


def size_hint(field: str, target: str) -> str:
    """For ``data.tags.length``, "" for any other field."""
    return f"write len({target})" if field.lower() in ("length", "size", "count") else ""


def sign_hint(text: str, start: int) -> str:
    """For a character that means nothing in an expression."""
    character = text[start]
    if character == "$":
        if text[start + 1 : start + 2].isdigit():
            return "write the number alone; money is whole cents: 5000 for 50 dollars"
        return (
            "inside ${ } write the bare name" if text.startswith("${", start) else "write the bare name, as in data.x"
        )
    return _SIGNS.get(character, "text goes in quotes")


def misplaced_hint(text: str, before: str, after: str) -> str:
    """For a word or sign that cannot stand between these two, "" when nothing is known of it."""
    match text:
        case "=":
            return f"write {after}=" if after in ("<", ">") else "use '==' to compare"
        case ">" if before == "<":
            return "write !="
        case "?" if after in (".", "["):
            return "leave the '?' out: what is below a missing field is null, never an error"
        case "?":
            return "write: x if condition else y"
        case "&":
            return "write and"
        case "|":
            return "write or; there are no filters, call the function: lower(data.x)"
        case ",":
            return _comma_hint(before, after)
        case ")" if before != "(":
            return "there is one ')' more than there are '('"
        case "*" if before == "[":
            return "for all items write map(list, .field), or any(list, .field == 'value')"
        case "/" if "/" in (before, after):
            return "a comment begins with a blank and #"
        case "if" if after == "(":
            return "write: x if condition else y"
        case "not" if before == "-":
            return "each condition of a list is a line of its own that begins with a dash and a blank: - not ..."
    return ""


def _comma_hint(before: str, after: str) -> str:
    if before.isdigit() and after.isdigit() and len(after) == 3:
        return f"write the number without the comma: {before}{after}"
    return "a list is written in [ ]: ['a', 'b']" if after else "leave it out"


def braces_hint(text: str) -> str:
    """For ``{{ data.x }}`` in an expression, "" when that is not it."""
    found = re.match(r"\s*=?\s*\{\{(.*)\}\}\s*$", text, re.DOTALL) or re.match(r"\s*\{\s*([\w.]+)\s*\}\s*$", text)
    inner = found[1].strip().replace("$json", "raw") if found else ""
    return f"write it without the braces: {inner}" if inner else ""
