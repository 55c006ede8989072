"""What the stand-in for Housecall Pro does with jobs: schedule, lines, visits, notes, tags, and the events of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request

from . import sandbox_records as make
from .sandbox_endpoints import Records, among, visits_of
from .sandbox_records import Record, invalid, missing, now

_EVENTS = {
    "in_progress": "job.started",
    "complete": "job.completed",
    "completed_unrated": "job.completed",
    "user_canceled": "job.canceled",
    "pro_canceled": "job.canceled",
}


class Jobs:
    """The endpoints of jobs, over the records of all kinds."""

    def __init__(self, records: Records) -> None:
        self._all = records

    async def create_job(self, request: Request) -> Any:
        given = await self._all.body(request, "customer_id", "address_id")
        who = self._all.one("customers", given["customer_id"])
        place = among(who["addresses"], given["address_id"], "address")
        number = given.get("invoice_number")
        if number and self._all.box.find("jobs", "invoice_number", str(number)):
            raise invalid(invoice_number="has already been taken")
        record = self._all.box.add("jobs", make.job(self._all.identity("job"), given, who, place))
        record["assigned_employees"] = [
            self._all.one("employees", identity) for identity in given.get("assigned_employee_ids") or []
        ]
        for line in given.get("line_items") or []:
            self._add_line(record, line)
        self._all.tell("job.created", record)
        if record["work_status"] == "scheduled":
            self._all.tell("job.scheduled", record)
        return 201, record

    async def update_job(self, request: Request) -> Any:
        record = self._all.one("jobs", request.path_params["id"])
        given = await self._all.body(request)
        status = given.pop("work_status", None)
        if "notes" in given:
            given["notes"] = [{"id": self._all.identity("nte"), "content": given["notes"]}]
        if "schedule" in given:
            given["schedule"] = {**record["schedule"], **given["schedule"]}
        record.update(given)
        self._all.tell("job.updated", record)
        if status in _EVENTS:
            self._all.tell(_EVENTS[status], record)
        elif status is not None:
            record["work_status"] = {"unscheduled": "needs scheduling"}.get(status, status.replace("_", " "))
        return record

    async def schedule_job(self, request: Request) -> Any:
        record = self._all.one("jobs", request.path_params["id"])
        plan = record["schedule"]
        if request.method == "DELETE":
            plan |= {"scheduled_start": None, "scheduled_end": None}
            record["work_status"] = "needs scheduling"
            self._all.tell("job.updated", record)
            return {"object": "schedule", "deleted": True}
        given = await self._all.body(request, "start_time")
        plan |= {"scheduled_start": given["start_time"], "scheduled_end": given.get("end_time")}
        plan["arrival_window"] = given.get("arrival_window_in_minutes", 0)
        self._all.tell("job.scheduled", record)
        return {
            "start_time": given["start_time"],
            "end_time": given.get("end_time") or given["start_time"],
            "arrival_window_minutes": plan["arrival_window"],
            "assigned_employees": record["assigned_employees"],
            "appointments": visits_of(record),
        }

    async def dispatch_job(self, request: Request) -> Any:
        record = self._all.one("jobs", request.path_params["id"])
        given = await self._all.body(request, "dispatched_employees")
        record["assigned_employees"] = [
            self._all.one("employees", one.get("employee_id")) for one in given["dispatched_employees"]
        ]
        self._all.tell("job.updated", record)
        return {"assigned_employees": record["assigned_employees"]}

    def _lines(self, job: Record) -> list[Record]:
        return [line for line in self._all.box.of("lines") if line["job_id"] == job["id"]]

    def _add_line(self, job: Record, given: Record) -> Record:
        made = self._all.box.add("lines", {**make.line(self._all.identity("lin"), given), "job_id": job["id"]})
        self._sum(job)
        return made

    def _sum(self, job: Record) -> None:
        total = sum(line["amount"] for line in self._lines(job))
        job.update(total_amount=total, subtotal=total, outstanding_balance=total)

    async def list_lines(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        return {"url": request.url.path, "data": self._lines(job)}

    async def create_line(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        made = self._add_line(job, await self._all.body(request, "name"))
        self._all.tell("job.updated", job)
        return 201, made

    async def change_lines(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        given = await self._all.body(request, "line_items")
        if not given.get("append_line_items"):
            named = {line.get("id") for line in given["line_items"]}
            for old in self._lines(job):
                if old["id"] not in named:
                    self._all.box.of("lines").remove(old)
        for line in given["line_items"]:
            if line.get("id") is None:
                self._add_line(job, line)
            else:
                self._change_line(job, line["id"], line)
        self._sum(job)
        self._all.tell("job.updated", job)
        return {"url": request.url.path, "data": self._lines(job)}

    async def change_line(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        return self._change_line(job, request.path_params["part"], await self._all.body(request, "name"))

    def _change_line(self, job: Record, identity: object, given: Record) -> Record:
        line = among(self._lines(job), identity, "line item")
        line |= make.line(line["id"], {**line, **given})
        self._sum(job)
        return line

    async def delete_line(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        line = among(self._lines(job), request.path_params["part"], "line item")
        self._all.box.of("lines").remove(line)
        self._sum(job)
        return {"id": line["id"], "deleted": True}

    async def list_visits(self, request: Request) -> Any:
        return {"appointments": visits_of(self._all.one("jobs", request.path_params["id"]))}

    async def create_visit(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        given = await self._all.body(request, "start_time", "end_time", "dispatched_employees_ids")
        visit = {"id": self._all.identity("appt"), "anytime": False, "arrival_window_minutes": 0, **given}
        visits_of(job).append(visit)
        self._all.tell_visit("scheduled", {**visit, "job_id": job["id"]})
        return 201, visit

    async def change_visit(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        visit = among(visits_of(job), request.path_params["part"], "appointment")
        if request.method == "DELETE":
            visits_of(job).remove(visit)
            self._all.tell_visit("appointment_discarded", {**visit, "job_id": job["id"]})
            return {"message": "Appointment deleted"}
        visit |= await self._all.body(request, "start_time", "end_time", "dispatched_employees_ids")
        self._all.tell_visit("rescheduled", {**visit, "job_id": job["id"]})
        return visit

    async def add_note(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        job["notes"].append(
            note := {"id": self._all.identity("nte"), "content": (await self._all.body(request, "content"))["content"]}
        )
        self._all.tell("job.updated", job)
        return 201, note

    async def delete_note(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        job["notes"].remove(among(job["notes"], request.path_params["part"], "note"))
        return {"message": "Note deleted"}

    async def tag_job(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        wanted = request.path_params.get("part") or (await self._all.body(request, "tag_id"))["tag_id"]
        name = self._all.one("tags", wanted)["name"]
        job["tags"] = [tag for tag in job["tags"] if tag != name]
        if request.method == "POST":
            job["tags"].append(name)
        self._all.tell("job.updated", job)
        tags = [one for one in self._all.box.of("tags") if one["name"] in job["tags"]]
        return (201 if request.method == "POST" else 200), {"tags": tags}

    async def lock(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        job["locked_at"] = now()
        return job

    async def lock_several(self, request: Request) -> Any:
        given = await self._all.body(request, "starting_at", "ending_at")
        first, last = (datetime.fromisoformat(given[name]) for name in ("starting_at", "ending_at"))
        locked = []
        for job in self._all.box.of("jobs"):
            start = job["schedule"]["scheduled_start"]
            settled = job["work_status"] == "scheduled" or job["work_status"].startswith("complete")
            if settled and start and first <= datetime.fromisoformat(start) <= last:
                job["locked_at"] = now()
                locked.append(job)
        return {"jobs": locked}

    def _materials(self, job: Record) -> list[Record]:
        shown = [one for one in self._all.box.of("job_input_materials") if one["job_id"] == job["id"]]
        return [{name: value for name, value in one.items() if name != "job_id"} for one in shown]

    async def materials(self, request: Request) -> Any:
        return {"job_input_materials": self._materials(self._all.one("jobs", request.path_params["id"]))}

    async def change_materials(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        for given in (await self._all.body(request, "job_input_materials"))["job_input_materials"]:
            if given.get("uuid") is None:
                made = {"uuid": self._all.identity("jim"), "job_id": job["id"], **given}
                self._all.box.add("job_input_materials", made)
                continue
            known = self._all.box.find("job_input_materials", "uuid", given["uuid"])
            if known is None or known["job_id"] != job["id"]:
                raise missing("job input material")
            known |= given
        return {"job_input_materials": self._materials(job)}

    async def job_invoices(self, request: Request) -> Any:
        job = self._all.one("jobs", request.path_params["id"])
        return {"invoices": [one for one in self._all.box.of("invoices") if one["job_id"] == job["id"]]}
