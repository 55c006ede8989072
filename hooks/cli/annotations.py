"""Findings as GitHub shows them beside the lines of a pull request: its workflow commands, one a line."""

from __future__ import annotations

from hooks.rules.findings import Finding


def annotation(finding: Finding) -> str:
    """``::error file=routes.yaml,line=12,col=5,endColumn=9,title=...::message``.

    >>> annotation(Finding("a.yaml", 3, 5, 4, "warning", "100% new", "is it?", "one"))
    '::warning file=a.yaml,line=3,col=5,endColumn=9,title=hooks check (rule one)::100%25 new%0Ais it?'
    """
    title = "hooks check" + (f" (rule {finding.rule})" if finding.rule is not None else "")
    properties = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column,
        "endColumn": finding.column + max(1, finding.length),
        "title": title,
    }
    shown = ",".join(f"{name}={_escaped(str(value), in_property=True)}" for name, value in properties.items())
    message = "\n".join(part for part in (finding.message, finding.hint) if part)
    return f"::{finding.severity} {shown}::{_escaped(message)}"


def _escaped(text: str, *, in_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text
