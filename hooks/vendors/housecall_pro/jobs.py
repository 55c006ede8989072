"""Deliver: Housecall Pro's jobs: schedule, visits, lines, notes, tags, links, files."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from hooks.kit.operations import Spec
from hooks.ports import Action

from . import models
from .lookups import by_fields, by_job
from .models import LINE, PLANNED
from .rows import deletion, listing, row

JOB: Final = "/jobs/{job_id}"

_EXPAND: dict[str, Spec] = {"expand": (list[Literal["attachments", "appointments"]], "What else to show.")}

LIST_JOBS = listing(
    "list_jobs",
    "/jobs",
    "List jobs.",
    PLANNED,
    meaning={
        "sort_by": (
            Literal["created_at", "updated_at", "invoice_number", "id", "description", "work_status"],
            "The field to sort by.",
        ),
        **_EXPAND,
    },
)
GET_JOB = row("get_job", "GET", JOB, "Get a job.", "job_id expand?", meaning=_EXPAND)
LIST_LINES = row("list_job_line_items", "GET", JOB + "/line_items", "List the lines of a job.", "job_id")
LIST_VISITS = row("list_job_appointments", "GET", JOB + "/appointments", "List the visits of a job.", "job_id")

ACTIONS: tuple[Action, ...] = (
    LIST_JOBS,
    row(
        "create_job",
        "POST",
        "/jobs",
        "Create a job of a customer at one of its addresses.",
        "customer_id address_id invoice_number? schedule? assigned_employee_ids? line_items? tags? lead_source? notes?"
        " job_fields?",
        meaning={"line_items": (list[models.JobLineItem], "Services and parts.")},
        find=by_job(LIST_JOBS),
    ),
    GET_JOB,
    row(
        "update_job",
        "PUT",
        JOB,
        "Change fields of a job.",
        "job_id invoice_number? description? work_status? schedule? assigned_employee_ids? tags? lead_source? notes?",
        meaning={
            "work_status": (models.WorkStatus, "The job's status."),
            "invoice_number": (str, "The job's number for people."),  # a text in the only list that has this operation
        },
        seed_only=True,
    ),
    deletion("delete_job", JOB, "Delete a job.", "job_id", seed_only=True),
    row(
        "update_job_schedule",
        "PUT",
        JOB + "/schedule",
        "Plan or move a job.",
        "job_id start_time end_time? arrival_window_in_minutes? notify? notify_pro? dispatched_employees?",
    ),
    deletion("delete_job_schedule", JOB + "/schedule", "Take a job out of the calendar.", "job_id"),
    row("dispatch_job", "PUT", JOB + "/dispatch", "Say who does a job.", "job_id dispatched_employees"),
    LIST_LINES,
    row(
        "create_job_line_item",
        "POST",
        JOB + "/line_items",
        "Add a line to a job. The vendor limits its rate: several go with `bulk_update_job_line_items`.",
        f"job_id name {LINE}",
        find=by_fields(LIST_LINES, "line_items", "name", "unit_price", "quantity", "description", job_id="job_id"),
    ),
    row(
        "bulk_update_job_line_items",
        "PUT",
        JOB + "/line_items/bulk_update",
        "Change and add lines of a job; lines without an id are added, those not named deleted or kept.",
        "job_id line_items append_line_items?",
        meaning={
            "line_items": (Annotated[list[models.ChangedLineItem], Field(min_length=1)], "The lines."),
        },
        harmless=False,
        unknown="hold",
    ),
    row(
        "update_job_line_item",
        "PUT",
        JOB + "/line_items/{line_item_id}",
        "Change a line of a job.",
        f"job_id line_item_id name {LINE}",
    ),
    deletion("delete_job_line_item", JOB + "/line_items/{line_item_id}", "Delete a line.", "job_id line_item_id"),
    LIST_VISITS,
    row(
        "create_appointment",
        "POST",
        JOB + "/appointments",
        "Add a visit to a job.",
        "job_id start_time end_time dispatched_employees_ids arrival_window_minutes?",
        find=by_fields(LIST_VISITS, "appointments", "start_time", "end_time", job_id="job_id"),
    ),
    row(
        "update_appointment",
        "PUT",
        JOB + "/appointments/{appointment_id}",
        "Change a visit.",
        "job_id appointment_id start_time end_time dispatched_employees_ids arrival_window_minutes?",
    ),
    deletion("delete_appointment", JOB + "/appointments/{appointment_id}", "Drop a visit.", "job_id appointment_id"),
    row(
        "add_job_note",
        "POST",
        JOB + "/notes",
        "Add a note to a job.",
        "job_id content",
        find=by_fields(GET_JOB, "notes", "content", job_id="job_id"),
    ),
    deletion("delete_job_note", JOB + "/notes/{note_id}", "Delete a note.", "job_id note_id"),
    row("add_job_tag", "POST", JOB + "/tags", "Put a tag on a job.", "job_id tag_id", harmless=True),
    deletion("remove_job_tag", JOB + "/tags/{tag_id}", "Take a tag off a job.", "job_id tag_id"),
    row("lock_job", "POST", JOB + "/lock", "Lock a job.", "job_id", harmless=True),
    row(
        "lock_jobs",
        "POST",
        "/jobs/lock",
        "Lock the jobs that are scheduled or completed between two times.",
        "starting_at ending_at",
        harmless=True,
    ),
    row("create_job_link", "POST", JOB + "/links", "Add a link to a job.", "job_id title url"),
    row("add_job_attachment", "POST", JOB + "/attachments", "Add a file to a job.", "job_id file", body="multipart"),
    row("list_job_invoices", "GET", JOB + "/invoices", "List the invoices of a job.", "job_id"),
    row("list_job_input_materials", "GET", JOB + "/job_input_materials", "List the materials of a job.", "job_id"),
    row(
        "bulk_update_job_input_materials",
        "PUT",
        JOB + "/job_input_materials/bulk_update",
        "Change and add materials of a job; entries without a uuid are added.",
        "job_id job_input_materials",
        harmless=False,
        unknown="hold",
    ),
)
