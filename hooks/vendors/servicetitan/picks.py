"""ServiceTitan's nine pick lists, and two more that ids in rules come from. Used by the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from hooks.kit.operations import Operation
from hooks.kit.picks import Pick

from .actions import ACTIONS
from .crm import LIST_CUSTOMERS, LIST_LOCATIONS, LIST_TENANT_BOOKINGS
from .office import LIST_INVOICES, LIST_TECHNICIANS
from .work import LIST_APPOINTMENTS, LIST_EQUIPMENT, LIST_JOBS, LIST_PROJECTS

_ROWS: Final = {action.name: action for action in ACTIONS if isinstance(action, Operation)}


def _named(record: Mapping[str, Any]) -> str:
    return f"{record.get('name')} (ID: {record.get('id')})"


def _appointment(record: Mapping[str, Any]) -> str:
    return f"#{record.get('appointmentNumber')} (ID: {record.get('id')})"


def _invoice(record: Mapping[str, Any]) -> str:
    return f"#{record.get('referenceNumber')}"


def _job(record: Mapping[str, Any]) -> str:
    return f"#{record.get('jobNumber')}"


def _pick(name: str, lister: Operation, label: Callable[[Mapping[str, Any]], str], noun: str, fields: str) -> Pick:
    asked_by: Literal["ids"] | None = "ids" if "ids" in lister.inputs.model_fields else None
    return Pick(name, lister, label, frozenset(fields.split()), "data", noun=noun, asked_by=asked_by)


PICKS: Final[Mapping[str, Pick]] = {
    pick.name: pick
    for pick in (
        _pick(
            "select_appointment",
            LIST_APPOINTMENTS,
            _appointment,
            "appointment",
            "appointmentId appointmentIds jobAppointmentId",
        ),
        _pick("select_booking", LIST_TENANT_BOOKINGS, _named, "booking", "bookingId"),
        _pick("select_customers", LIST_CUSTOMERS, _named, "customer", "customerId"),
        _pick("select_installed_equipment", LIST_EQUIPMENT, _named, "installed equipment", "equipmentIds"),
        _pick("select_invoice", LIST_INVOICES, _invoice, "invoice", "invoiceId adjustmentToId appliedToInvoiceIds"),
        _pick("select_job", LIST_JOBS, _job, "job", "jobId jobIds"),
        _pick("select_location", LIST_LOCATIONS, _named, "location", "locationId locationIds"),
        _pick("select_project", LIST_PROJECTS, _named, "project", "projectId"),
        _pick("select_technician", LIST_TECHNICIANS, _named, "technician", "technicianId technicianIds"),
        _pick("select_cancel_reason", _ROWS["list_job_cancel_reasons"], _named, "cancel reason", "reasonId"),
        _pick("select_user_role", _ROWS["list_user_roles"], _named, "user role", "roleId"),
    )
}
