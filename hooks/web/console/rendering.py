"""From values to pages: one Jinja environment in which stored text is always text.

Markup in stored data is escaped, and characters that would steer how the rest is shown (control characters, changes of
direction) are shown by their number. Instants are shown in UTC and, where the page's script runs, in the reader's zone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from hooks.events import given_up, unreadable
from hooks.names import name_in

_LONGEST = 200_000
"""Characters of JSON that are put into lines."""

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def visible(value: Any) -> Any:
    """Text whose every character does no more than stand there."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", value)


def when(text: str | datetime | None) -> Markup:
    """An instant as an element that the page's script turns into local time."""
    if text is None:
        return Markup("")
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text.replace("Z", "+00:00"))
    moment = moment.astimezone(UTC)
    exact, shown = moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%d %b %H:%M:%S")
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, shown)


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def body(value: Any) -> str:
    """What was on the wire, as people read it: JSON in lines, other text as it was."""
    if not isinstance(value, str):
        return pretty(value)
    try:
        return pretty(json.loads(value)) if value[:1] in "{[" and len(value) <= _LONGEST else value
    except (ValueError, RecursionError):
        return value


def short(text: str | None, length: int = 12) -> str:
    """The end of an id, where ids differ."""
    return "" if text is None else ("…" + text[-length:] if len(text) > length + 4 else text)


def number(value: float | int | None) -> str:
    return "–" if value is None else f"{value:,}"


def brief(value: Any) -> str:
    """A value on one line, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


_IN_A_LINE = 120
"""Characters of a name that a sender made up, in a list or a heading: the record itself shows all of it."""


def cut(text: str | None) -> str:
    """A sender's own word where there is no room for any length of it."""
    return "" if text is None else text if len(text) <= _IN_A_LINE else text[: _IN_A_LINE - 1] + "…"


def whom(event: Mapping[str, Any]) -> str:
    """Whom a listed event is about, "" where nobody is named."""
    return cut(name_in(event["data"]))


_RECORD = re.compile(r"\b(run|evt)_[0-9a-f]{32}\b")
_PAGES: Mapping[str, tuple[str, str]] = {"run": ("/runs/", "another run"), "evt": ("/events/", "another event")}


def told(reason: str | None) -> Markup:
    """Why a run stands as it does, for somebody who has buttons and links and no command line."""
    text = (reason or "").partition(", then say `hooks runs resolve`")[0]
    made, at = Markup(""), 0
    for found in _RECORD.finditer(text):
        path, name = _PAGES[found[1]]
        made += escape(visible(text[at : found.start()]))
        made += Markup('<a href="{}{}" title="{}">{}</a>').format(path, found[0], found[0], name)
        at = found.end()
    return made + escape(visible(text[at:]))


_REFUSALS: Mapping[str, str] = {
    "mismatch": "the signature or key is another one",
    "missing": "it has no signature or key",
    "malformed": "its signature or key cannot be read",
    "stale": "it was signed too long ago, or by another clock",
    "repeated": "it has more than one signature",
}


def refusal(reason: str | None) -> str:
    """Why a receipt was refused, in words."""
    return _REFUSALS.get(reason or "", reason or "")


def beside(name: str, main: str) -> str:
    """A file's name as it is seen from the main file's folder."""
    folder = main.rpartition("/")[0] + "/"
    return name.removeprefix(folder) if folder != "/" else name


_VERDICTS: Mapping[str, str] = {
    "transient": "failed, may be tried again",
    "permanent": "failed for good",
    "unconfigured": "the account was refused",
    "unknown": "outcome unknown",
    "adopted": "found at the vendor",
}


def verdict(word: str) -> str:
    """What a try came to, in words."""
    return _VERDICTS.get(word, word)


def tojson_text(value: Any) -> str:
    """JSON for an attribute; the template escapes it."""
    return json.dumps(value)


_YAML = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)|(?P<key>[A-Za-z_][\w.-]*(?=:(?:\s|$)))|(?P<hole>\$\{[^}]*\})"""
    r"""|(?P<text>"[^"]*"|'[^']*')"""
)


def yaml(line: str) -> Markup:
    """A line of a rules file with its keys, texts, expressions and comments told apart."""
    made, at = Markup(""), 0
    for found in _YAML.finditer(line):
        made += escape(visible(line[at : found.start()]))
        made += Markup('<span class="y-{}">{}</span>').format(found.lastgroup, visible(found.group()))
        at = found.end()
    return made + escape(visible(line[at:]))


def diffed(text: str) -> Markup:
    """A unified diff with what came and what went told apart."""
    kinds = {"+": "came", "-": "went", "@": "where"}
    lines = [
        Markup('<span class="{}">{}</span>').format(
            "where" if line.startswith(("--- ", "+++ ")) else kinds.get(line[:1], "same"), visible(line)
        )
        for line in text.splitlines()
    ]
    return Markup("\n").join(lines)


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hooks.web.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when, "pretty": pretty, "short": short, "number": number,
        "brief": brief, "tojson_text": tojson_text, "yaml": yaml, "diffed": diffed,
        "whom": whom, "cut": cut, "told": told, "refusal": refusal, "beside": beside, "verdict": verdict, "body": body,
    }  # fmt: skip
    made.globals["given_up"] = given_up
    made.globals["unreadable"] = unreadable
    return made


def render(template: str, values: Mapping[str, Any]) -> bytes:
    return environment().get_template(template).render(values).encode("utf-8", "replace")
