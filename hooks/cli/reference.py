"""The page `docs/reference/vendors.md`, made from the code: every operation and event of every vendor, and its doubts.

`hooks vendors --markdown` prints it, `make docs` writes it, and a test fails when the page is out of step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files

from hooks.kit.samples import samples
from hooks.ports import Action, EventKind, OnUnknown, Vendor

_UNKNOWN: dict[OnUnknown, str] = {"repeat": "sent again", "lookup": "looked up", "hold": "held"}

_JUDGED = frozenset({"housecall_pro", "servicetitan", "jobcloser", "homebase360", "supergood"})
"""Vendors with a document in `tests/prism`; a test keeps the two in step."""
_SAID = re.compile(r"\((high|medium-high|medium|low)\)")

_HEAD = """# Vendors

Made by `make docs` from the code; do not edit it. `hooks vendors VENDOR.ACTION` shows what an action takes, and the
vendor's own page how an account is set up.

- **repeatable**: whether sending the same again does no harm. **Unknown outcome**: what becomes of a call whose answer
  never came: it is *sent again*, *looked up* at the vendor first, or *held* for a person. A rule may say otherwise
  (`on_unknown`).
- **tested**: *sandbox*: a rule for it is carried out through the whole service against the vendor's stand-in, which
  is written from the same documents. *Prism*: request and answer are judged by an OpenAPI document of their own,
  written from the vendor's (`make prism`). *sample*: a webhook as the vendor sends it becomes the event that is
  written down beside it. *mapping*: read by the same mapping as those with a sample. Signatures are checked against
  answers that other programs computed. Real accounts are no part of the tests.
- **confidence** in the facts behind it: *high*: the vendor's own document, or two implementations with live traffic;
  *medium*: one good source; *low*: one weak source, or our inference; *ours*: made here of several of the vendor's
  calls.
- **note**: where a vendor's documents do not settle a fact, what was taken instead, and how sure it is.
"""


def vendors_page(vendors: Iterable[Vendor]) -> str:
    """The whole page, in the order of the registry."""
    known = list(vendors)
    return "\n".join([_HEAD, *_overview(known), *(line for vendor in known for line in _vendor(vendor))])


def _overview(vendors: list[Vendor]) -> Iterator[str]:
    yield from _table(
        ("vendor", "actions", "event types", "connection test"),
        (
            (
                f"[{vendor.title}](#{vendor.name})",
                str(len(vendor.actions) or ""),
                str(len({kind.name for kind in vendor.kinds}) or ("any" if vendor.make_source else "")),
                f"`{vendor.probe.action}`" if vendor.probe is not None else "",
            )
            for vendor in vendors
        ),
    )
    yield "*Connection test*: the action that `hooks connections test` carries out.\n"


def _vendor(vendor: Vendor) -> Iterator[str]:
    yield f'<a id="{vendor.name}"></a>\n\n## {vendor.title}\n'
    yield f"`{vendor.name}`, set up as on [its page](../../hooks/vendors/{vendor.name}/README.md)."
    if about := vendor.doubts.get(""):
        yield about
    yield ""
    if vendor.actions:
        tested = "sandbox" if (files("hooks.vendors") / vendor.name / "sandbox.py").is_file() else ""
        yield from _table(
            (
                *("action", "vendor's operation", "request", "repeatable", "unknown outcome", "tested"),
                *("confidence", "note"),
            ),
            (_action(vendor, action, tested) for action in vendor.actions),
        )
    if vendor.make_source is not None:
        yield from _events(vendor)
    elif vendor.kinds:
        yield "Made by hooks itself, beside what rules emit.\n"
        rows = ((f"`{kind.name}`", kind.model.__name__ if kind.model else "", kind.summary) for kind in vendor.kinds)
        yield from _table(("event", "`data` is", "what happened"), rows)


def _action(vendor: Vendor, action: Action, tested: str) -> tuple[str, ...]:
    names = [f"`{action.name}`", *(f"(`{alias}`)" for alias in action.aliases)]
    return (
        " ".join(names),
        f"`{action.operation}`",
        f"`{action.method} {action.path}`",
        "yes" if action.repeatable else "no",
        _UNKNOWN[action.on_unknown],
        f"{tested}, Prism" if is_judged(vendor, action) else tested,
        confidence(vendor, action),
        vendor.doubts.get(action.name, ""),
    )


def is_judged(vendor: Vendor, action: Action) -> bool:
    """Whether Prism judges the action's requests: those that a document of the vendor describes."""
    return vendor.name in _JUDGED and action.name != "raw_request" and confidence(vendor, action) != "ours"


def confidence(vendor: Vendor, action: Action) -> str:
    """How sure the facts behind an action are, by what is noted of it, or else of the vendor as a whole."""
    for doubt in (vendor.doubts.get(action.name, ""), vendor.doubts.get("", "")):
        if doubt.startswith("Ours"):
            return "ours"
        if said := _SAID.findall(doubt):
            return str(said[-1])
    return "high"


def _events(vendor: Vendor) -> Iterator[str]:
    told = f" {vendor.doubts['events']}" if "events" in vendor.doubts else ""
    if not vendor.kinds:
        yield f"Webhooks: any event, under the name that the sender or `type` gives it.{told}\n"
        return
    yield f"Webhooks, and any other name as it comes.{told}\n"
    recorded = {event["vendor_type"] for sample in samples(vendor.name) for event in sample.golden}
    yield from _table(
        ("event", "vendor's name", "`data` is", "what happened", "tested", "note"),
        (_event(vendor, kind, recorded) for kind in vendor.kinds),
    )


def _event(vendor: Vendor, kind: EventKind, recorded: set[str]) -> tuple[str, ...]:
    return (
        f"`{kind.name}`",
        f"`{kind.vendor_type}`",
        kind.model.__name__ if kind.model is not None else "the parsed body",
        kind.summary,
        "sample" if kind.vendor_type in recorded else "mapping",
        vendor.doubts.get(kind.name, ""),
    )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "|" + "|".join(f" {_cell(text)} " if text else " " for text in row) + "|"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
