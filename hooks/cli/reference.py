"""The page `docs/reference/vendors.md`, made from the code: every operation and event of every vendor, and its doubts.

`hooks vendors --markdown` prints it, `make docs` writes it, and a test fails when the page is out of step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from hooks.kit.samples import samples
from hooks.ports import Action, EventKind, OnUnknown, Vendor

_UNKNOWN: dict[OnUnknown, str] = {"repeat": "sent again", "lookup": "looked up", "hold": "held"}

_HEAD = """# Vendors

Made by `make docs` from the code; do not edit it. `hooks vendors VENDOR.ACTION` shows what an action takes, and the
vendor's own page how an account is set up.

- **repeatable**: whether sending the same again does no harm. **Unknown outcome**: what becomes of a call whose answer
  never came: it is *sent again*, *looked up* at the vendor first, or *held* for a person. A rule may say otherwise
  (`on_unknown`).
- **tested**: *sandbox*: carried out against the vendor's stand-in, which is written from the same documents. *sample*:
  a webhook as the vendor sends it becomes the event that is written down beside it. *mapping*: read by the same mapping
  as those with a sample. Signatures are checked against answers that other programs computed. Real accounts are no part
  of the tests.
- **note**: where a vendor's documents do not settle a fact, what was taken instead, and how sure it is (high, medium,
  low).
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
            ("action", "vendor's operation", "request", "repeatable", "unknown outcome", "tested", "note"),
            (_action(vendor, action, tested) for action in vendor.actions),
        )
    if vendor.make_source is not None:
        yield from _events(vendor)


def _action(vendor: Vendor, action: Action, tested: str) -> tuple[str, ...]:
    names = [f"`{action.name}`", *(f"(`{alias}`)" for alias in action.aliases)]
    return (
        " ".join(names),
        f"`{action.operation}`",
        f"`{action.method} {action.path}`",
        "yes" if action.repeatable else "no",
        _UNKNOWN[action.on_unknown],
        tested,
        vendor.doubts.get(action.name, ""),
    )


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
