"""Deliver: a canonical job in Homebase360's words, which of its jobs is the same, and what differs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

_UNNAMED = "Service"


def as_job(canonical: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's fields for a canonical job, without its customer; what it does not have is left out.

    A job that was never scheduled takes place from when it was started to when it was completed.
    """
    fields = {
        "start": canonical.get("scheduled_start_at") or canonical.get("started_at"),
        "end": canonical.get("scheduled_end_at") or canonical.get("completed_at"),
        "lineItems": _lines(canonical),
        "note": canonical.get("note"),
    }
    return {name: value for name, value in fields.items() if value}


def _lines(canonical: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The services and parts; a job without any is one line of its description and total, because one is demanded."""
    listed = canonical.get("line_items")
    given = [line for line in listed if isinstance(line, Mapping)] if isinstance(listed, list) else []
    if given:
        return [_line(line) for line in given]
    return [
        {
            "name": _name(canonical.get("description")),
            "quantity": 1,
            "unitPrice": money(_cents(canonical, "total_cents") or 0),
        }
    ]


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    quantity, price = line.get("quantity"), _cents(line, "unit_price_cents")
    if quantity is None or price is None:
        total = _cents(line, "total_cents")
        # Half of a line says nothing about the other half: then its total is what one of it costs.
        quantity, price = (1, total) if total is not None else (quantity or 1, price or 0)
    made = {"name": _name(line.get("name") or line.get("description")), "quantity": quantity, "unitPrice": money(price)}
    return {**made, "description": line["description"]} if line.get("description") and line.get("name") else made


def _name(text: object) -> str:
    return (text.strip() if isinstance(text, str) else "") or _UNNAMED


def _cents(values: Mapping[str, Any], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def money(cents: int) -> str:
    """Cents as decimal text in dollars, the vendor's form of money.

    >>> money(18900), money(-5)
    ('189.00', '-0.05')
    """
    return str((Decimal(cents) / 100).quantize(Decimal("0.01")))


# --- which one ---


def same_job(jobs: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The job of this customer that is the wanted one; where several could be, the one that agrees in most.

    At the same start and end it is the same; at other times it is when both overlap and begin with the same line,
    which is a job that was moved by less than its length.
    """
    found = [(_agreement(job, wanted), job) for job in jobs if _is_of(job, wanted["customerId"])]
    best = max(found, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] > 0 else None


def _agreement(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> int:
    same_line = _first_name(job) == _first_name(wanted)
    starts, ends = same_time(job.get("start"), wanted["start"]), same_time(job.get("end"), wanted["end"])
    if starts and ends:
        return 4 + same_line
    return 1 + starts + ends if same_line and _overlap(job, wanted) else 0


def _is_of(job: Mapping[str, Any], customer_id: object) -> bool:
    customer = job.get("customer")
    return isinstance(customer, Mapping) and customer.get("customerId") == customer_id and bool(job.get("jobId"))


def _first_name(job: Mapping[str, Any]) -> str:
    lines = job.get("lineItems")
    first = lines[0] if isinstance(lines, list) and lines else None
    return str(first.get("name") or "").strip().casefold() if isinstance(first, Mapping) else ""


def _overlap(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    start, end = moment(job.get("start")), moment(job.get("end"))
    first, last = moment(wanted["start"]), moment(wanted["end"])
    return None not in (start, end, first, last) and start < last and first < end  # type: ignore[operator]  # no None left


def same_time(text: object, wanted: object) -> bool:
    """Whether both are the same instant, in whatever zone each is written."""
    found = moment(text)
    return found is not None and found == moment(wanted)


def moment(text: object) -> datetime | None:
    """The instant of an ISO 8601 text with its zone, None for anything else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


# --- what differs ---


def changes(job: Mapping[str, Any], wanted: Mapping[str, Any], *, note: str | None) -> dict[str, str]:
    """The fields to write so that ``job`` has what is wanted; {} when it has it.

    Only start, end and note can be changed there. Lines of a note are added and what the office wrote stays, unless
    ``note`` says what the note shall be.
    """
    found = {name: wanted[name] for name in ("start", "end") if not same_time(job.get(name), wanted[name])}
    there = str(job.get("note") or "")
    new_note = note if note is not None else _joined(there, str(wanted.get("note") or ""))
    if new_note != there:
        found["note"] = new_note
    return found


def _joined(there: str, wanted: str) -> str:
    known = {line.strip() for line in there.splitlines()}
    new = [line for line in wanted.splitlines() if line.strip() and line.strip() not in known]
    return "\n".join([*([there] if there.strip() else []), *new]) if new else there
