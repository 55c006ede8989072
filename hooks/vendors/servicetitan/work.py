"""Deliver: ServiceTitan's work: jobs, appointments and who goes to them, projects, installed equipment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks.ports import Action

from . import models
from .attachments import DownloadAction, upload
from .lookups import by_assignments, by_external_data, by_fields, by_status
from .rows import deletion, listing, row
from .vocabulary import EXTERNAL, LIST, AppointmentStatus, EquipmentStatus

JPM: Final = "/jpm/v2/tenant/{tenant}"
ASSIGNMENTS: Final = "/dispatch/v2/tenant/{tenant}/appointment-assignments"
EQUIPMENT: Final = "/equipmentsystems/v2/tenant/{tenant}/installed-equipment"

_EQUIPMENT = (
    "name? equipmentTypeId? status? installedOn? actualReplacementDate? manufacturedOn? serialNumber? barcodeId? memo?"
    " manufacturer? model? cost? manufacturerWarrantyStart? manufacturerWarrantyEnd? serviceProviderWarrantyStart?"
    " serviceProviderWarrantyEnd? customFields? attachments? tagTypeIds?"
)
_PROJECT = (
    "projectManagerIds? businessUnitIds? name? summary? statusId? subStatusId? projectTypeId? startDate?"
    " targetCompletionDate? actualCompletionDate? customFields? externalData?"
)
_EQUIPMENT_MEANING = {
    "status": (EquipmentStatus, "Whether it is installed or has been replaced."),
    "customFields": (list[models.EquipmentField], "Values of the tenant's own fields."),
}
_OWN_KEYS = {"externalData": (models.ExternalData, "Your own keys: what finds the record again.")}

LIST_ASSIGNMENTS = listing(
    "list_appointments_assignment",
    ASSIGNMENTS,
    "List who is assigned to which appointment.",
    f"{LIST} ids? appointmentIds? jobId? active?",
    aliases=("list_appointment_assignments",),
)
LIST_APPOINTMENTS = listing(
    "list_appointments",
    JPM + "/appointments",
    "List appointments.",
    f"{LIST} ids? active? jobId? projectId? number? status? startsOnOrAfter? startsBefore? technicianId? customerId?"
    " unused?",
    meaning={"status": (AppointmentStatus, "The appointment's status.")},
)
LIST_JOBS = listing(
    "list_jobs",
    JPM + "/jobs",
    "List jobs.",
    f"{LIST} ids? number? projectId? bookingId? jobStatus? appointmentStatus? priority?"
    " firstAppointmentStartsOnOrAfter? firstAppointmentStartsBefore? appointmentStartsOnOrAfter?"
    " appointmentStartsBefore? technicianId? customerId? locationId? soldById? jobTypeId? campaignId? businessUnitId?"
    " invoiceId? createdFromEstimateId? estimateIds? completedOnOrAfter? completedBefore? tagTypeIds? equipmentIds?"
    f" hasUnusedAppointments? {EXTERNAL}",
    meaning={"priority": (str, "Priority.")},
)
LIST_PROJECTS = listing(
    "list_projects",
    JPM + "/projects",
    "List projects.",
    f"{LIST} ids? customerId? locationId? projectTypeId? invoiceId? technicianId? jobId? appointmentId?"
    " projectManagerIds? businessUnitIds? startsBefore? startsOnOrAfter? completedBefore? completedOnOrAfter?"
    f" targetCompletionDateBefore? targetCompletionDateOnOrAfter? status? {EXTERNAL}",
    meaning={"status": (str, "The project's status.")},
)
LIST_EQUIPMENT = listing(
    "list_installed_equipment", EQUIPMENT, "List installed equipment.", f"{LIST} ids? locationIds? active?"
)
GET_APPOINTMENT = row("get_appointment", "GET", JPM + "/appointments/{id}", "Get an appointment.", "id")
GET_JOB = row("get_job", "GET", JPM + "/jobs/{id}", "Get a job.", "id externalDataApplicationGuid?")


def _visits(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"jobId": inputs["jobId"], "pageSize": 500}


def _equipment_of(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return {"locationIds": [inputs["locationId"]], "pageSize": 1000} if inputs.get("serialNumber") else None


ACTIONS: tuple[Action, ...] = (
    row(
        "assign_technicians",
        "POST",
        ASSIGNMENTS + "/assign-technicians",
        "Assign technicians to an appointment.",
        "jobAppointmentId technicianIds",
        find=by_assignments(LIST_ASSIGNMENTS, GET_APPOINTMENT, assigned=True),
    ),
    row(
        "unassign_technicians",
        "POST",
        ASSIGNMENTS + "/unassign-technicians",
        "Take technicians off an appointment.",
        "jobAppointmentId technicianIds",
        find=by_assignments(LIST_ASSIGNMENTS, GET_APPOINTMENT, assigned=False),
    ),
    LIST_ASSIGNMENTS,
    row(
        "cancel_job",
        "PUT",
        JPM + "/jobs/{id}/cancel",
        "Cancel a job.",
        "id reasonId memo",
        harmless=False,
        find=by_status(GET_JOB, "jobStatus", "Canceled"),
    ),
    row(
        "create_appointment",
        "POST",
        JPM + "/appointments",
        "Add a visit to a job.",
        "jobId start end arrivalWindowStart? arrivalWindowEnd? technicianIds? specialInstructions?",
        find=by_fields(LIST_APPOINTMENTS, _visits, "start", "end", lacking="the job"),
    ),
    GET_APPOINTMENT,
    LIST_APPOINTMENTS,
    deletion("delete_appointment", JPM + "/appointments/{id}", "Delete an appointment.", "id"),
    row(
        "create_job",
        "POST",
        JPM + "/jobs",
        "Create a job with its appointments.",
        models.CreateJob,
        find=by_external_data(LIST_JOBS),
    ),
    GET_JOB,
    LIST_JOBS,
    row(
        "update_job",
        "PATCH",
        JPM + "/jobs/{id}",
        "Change fields of a job.",
        "id customerId? locationId? businessUnitId? jobGeneratedLeadSource? jobTypeId? priority? campaignId? summary?"
        " shouldUpdateInvoiceItems? customFields? tagTypeIds? externalData? customerPo? soldById? isAutoDispatched?"
        " summaryOfWork? noCharge?",
        harmless=True,
    ),
    listing(
        "list_job_cancel_reasons",
        JPM + "/job-cancel-reasons",
        "List the reasons a job can be canceled for.",
        f"{LIST} active?",
    ),
    row(
        "create_project",
        "POST",
        JPM + "/projects",
        "Create a project.",
        f"locationId customerId? {_PROJECT}",
        meaning=_OWN_KEYS,
        find=by_external_data(LIST_PROJECTS),
    ),
    row("get_project", "GET", JPM + "/projects/{id}", "Get a project.", "id externalDataApplicationGuid?"),
    LIST_PROJECTS,
    row(
        "update_project",
        "PATCH",
        JPM + "/projects/{id}",
        "Change fields of a project.",
        f"id jobIds? {_PROJECT}",
        harmless=True,
    ),
    row(
        "create_installed_equipment",
        "POST",
        EQUIPMENT,
        "Create a piece of equipment at a location.",
        f"locationId {_EQUIPMENT}",
        meaning=_EQUIPMENT_MEANING,
        find=by_fields(
            LIST_EQUIPMENT,
            _equipment_of,
            "serialNumber",
            lacking="without serialNumber there is nothing to find the equipment again by",
        ),
    ),
    row("get_installed_equipment", "GET", EQUIPMENT + "/{id}", "Get a piece of equipment.", "id"),
    LIST_EQUIPMENT,
    row(
        "update_installed_equipment",
        "PATCH",
        EQUIPMENT + "/{id}",
        "Change fields of a piece of equipment.",
        f"id active? {_EQUIPMENT}",
        meaning={**_EQUIPMENT_MEANING, "active": (bool, "Whether it is active.")},
        harmless=True,
    ),
    upload("create_installed_equipment_attachment", EQUIPMENT + "/attachments", "Upload a file for equipment."),
    DownloadAction(
        name="list_installed_equipment_attachments",
        path=EQUIPMENT + "/attachments",
        summary="Download a file that was uploaded for equipment.",
    ),
)
