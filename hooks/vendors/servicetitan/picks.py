"""ServiceTitan's nine pick lists: ids with labels that people can choose from. Used by the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hooks.errors import Permanent
from hooks.kit.operations import Operation

from .client import ServiceTitanClient
from .crm import LIST_CUSTOMERS, LIST_LOCATIONS, LIST_TENANT_BOOKINGS
from .office import LIST_INVOICES, LIST_TECHNICIANS
from .rows import MAX_RECORDS, all_pages, objects
from .work import LIST_APPOINTMENTS, LIST_EQUIPMENT, LIST_JOBS, LIST_PROJECTS

Label = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick list: its name, the list it is made of, and what an entry says."""

    name: str
    lister: Operation
    label: Label


def _named(record: Mapping[str, Any]) -> str:
    return f"{record.get('name')} (ID: {record.get('id')})"


PICKS: Final[Mapping[str, Pick]] = {
    pick.name: pick
    for pick in (
        Pick(
            "select_appointment",
            LIST_APPOINTMENTS,
            lambda record: f"#{record.get('appointmentNumber')} (ID: {record.get('id')})",
        ),
        Pick("select_booking", LIST_TENANT_BOOKINGS, _named),
        Pick("select_customers", LIST_CUSTOMERS, _named),
        Pick("select_installed_equipment", LIST_EQUIPMENT, _named),
        Pick("select_invoice", LIST_INVOICES, lambda record: f"#{record.get('referenceNumber')}"),
        Pick("select_job", LIST_JOBS, lambda record: f"#{record.get('jobNumber')}"),
        Pick("select_location", LIST_LOCATIONS, _named),
        Pick("select_project", LIST_PROJECTS, _named),
        Pick("select_technician", LIST_TECHNICIANS, _named),
    )
}


async def pick(
    client: ServiceTitanClient, name: str, *, timeout: float = 120.0, limit: int = MAX_RECORDS
) -> list[dict[str, str]]:
    """The entries of a pick list: ``{key, label}``, at most 10,000, all pages within one ``timeout``.

    Raises Permanent for a name that is none, else what the client raises.
    """
    chosen = PICKS.get(name)
    if chosen is None:
        raise Permanent(f"there is no pick list of this name; there are {', '.join(PICKS)}")
    request = chosen.lister.render({"fetch_all": True}, client.settings)
    page = await all_pages(client, request, timeout, limit)
    return [{"key": str(record.get("id")), "label": chosen.label(record)} for record in objects(page["data"])]
