"""What the stand-in for Housecall Pro answers, and which events each operation causes; jobs are in `sandbox_jobs`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email import message_from_bytes
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from hooks.kit.sandbox import Sandbox, fields

from . import sandbox_records as make
from .sandbox_records import EFFECTS, Record, Refused, fits, invalid, missing, now, page_of
from .sandbox_webhooks import COMPANY_ID

Endpoint = Callable[[Request], Awaitable[Any]]
Events = list[tuple[str, str, Record]]

_KINDS = {"customer": "customers", "lead": "leads", "job": "jobs", "estimate": "estimates", "invoice": "invoices"}
_KINDS |= {"employee": "employees", "pro": "employees"}


class Records:
    """The endpoints. What happens is in ``happened`` until the answer has gone out."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.happened: Events = []

    # --- what all share ---

    def identity(self, prefix: str) -> str:
        return f"{prefix}_{self.box.number():06d}"

    def one(self, kind: str, identity: object) -> Record:
        record = self.box.find(kind, "id", identity)
        if record is None:
            raise missing(kind.removesuffix("s").replace("_", " "))
        return record

    def tell(self, event: str, record: Record, key: str | None = None) -> None:
        """Something happened to a record: it is changed as the event says, and the event goes out."""
        if effect := EFFECTS.get(event):
            effect(record)
        if "updated_at" in record:
            record["updated_at"] = now()
        self.happened.append((event, key or event.partition(".")[0], dict(record)))

    def fire(self, event: str, identity: object) -> None:
        """Let an event happen on demand, to the record of an id or to the newest one."""
        key, _, rest = event.partition(".")
        if rest.startswith("appointment."):
            visits = [{**visit, "job_id": job["id"]} for job in self.box.of("jobs") for visit in visits_of(job)]
            visit = next((one for one in reversed(visits) if identity in (None, one["id"])), None)
            if visit is None:
                raise missing("appointment")
            self.tell_visit(rest.removeprefix("appointment."), visit)
            return
        if key not in _KINDS:
            raise invalid(event="is not an event of a record")
        records = self.box.of(_KINDS[key])
        if identity is None and not records:
            raise missing(key)
        self.tell(event, records[-1] if identity is None else self.one(_KINDS[key], identity))

    def tell_visit(self, what: str, visit: Record) -> None:
        sent = [self.one("employees", identity) for identity in visit.get("dispatched_employees_ids", [])]
        shown = {"id": visit["id"], "job_id": visit["job_id"]}
        if what != "appointment_discarded":
            times = {name: visit.get(name) for name in ("start_time", "end_time", "arrival_window_minutes")}
            shown |= {**times, "dispatched_employees": sent}
        self.happened.append((f"job.appointment.{what}", "appointment", shown))

    # --- lists and records of all kinds ---

    def listing(self, kind: str, plural: str | None = None) -> Endpoint:
        async def endpoint(request: Request) -> Any:
            found = [record for record in self.box.of(kind) if fits(record, request.query_params)]
            return page_of(found, plural or kind, request.query_params)

        return endpoint

    def getter(self, kind: str) -> Endpoint:
        async def endpoint(request: Request) -> Any:
            return self.one(kind, request.path_params["id"])

        return endpoint

    def remover(self, kind: str) -> Endpoint:
        async def endpoint(request: Request) -> Any:
            record = self.one(kind, request.path_params["id"])
            self.box.of(kind).remove(record)
            key = kind.removesuffix("s")
            if key in _KINDS:
                self.tell(f"{key}.deleted", record)

        return endpoint

    def named(self, kind: str, prefix: str) -> tuple[Endpoint, Endpoint]:
        """Creating and renaming of a setting that is no more than a name."""

        async def create(request: Request) -> Any:
            given = await self.body(request, "name")
            status = 200 if kind == "job_types" else 201
            return status, self.box.add(kind, {"id": self.identity(prefix), "name": given["name"]})

        async def update(request: Request) -> Any:
            given = await self.body(request, "name")
            record = self.one(kind, request.path_params["id"])
            record["name"] = given["name"]
            return record

        return create, update

    async def body(self, request: Request, *required: str) -> Record:
        given = await fields(request)
        errors = {name: "is missing" for name in required if given.get(name) in (None, "", [])}
        if errors:
            raise invalid(**errors)
        return given

    # --- customers and leads ---

    async def create_customer(self, request: Request) -> Any:
        return 201, self._customer(await self.body(request))

    def _customer(self, given: Record) -> Record:
        if not any(
            given.get(name)
            for name in ("first_name", "last_name", "email", "mobile_number", "home_number", "work_number")
        ):
            raise Refused(400, {"message": "The customer could not be created", "first_name": "can't be blank"})
        record = self.box.add("customers", make.customer(self.identity("cus"), given))
        record["addresses"] = [make.address(self.identity("adr"), place) for place in given.get("addresses") or []]
        self.tell("customer.created", record)
        return record

    async def update_customer(self, request: Request) -> Any:
        record = self.one("customers", request.path_params["id"])
        given = await self.body(request)
        if given.keys() - record.keys() or "addresses" in given:
            raise Refused(400, {"message": "The customer could not be updated"})
        record.update(given)
        self.tell("customer.updated", record)
        return record

    async def list_addresses(self, request: Request) -> Any:
        found = self.one("customers", request.path_params["id"])["addresses"]
        return page_of(found, "addresses", request.query_params)

    async def create_address(self, request: Request) -> Any:
        record = self.one("customers", request.path_params["id"])
        given = await self.body(request, "street", "city", "state", "zip", "country")
        record["addresses"].append(made := make.address(self.identity("adr"), given))
        self.tell("customer.updated", record)
        return made

    async def get_address(self, request: Request) -> Any:
        record = self.one("customers", request.path_params["id"])
        return among(record["addresses"], request.path_params["part"], "address")

    def _place(self, who: Record, given: Record) -> Record | None:
        if given.get("address_id"):
            return among(who["addresses"], given["address_id"], "address")
        if given.get("address"):
            who["addresses"].append(made := make.address(self.identity("adr"), given["address"]))
            return made
        return who["addresses"][0] if who["addresses"] else None

    async def create_lead(self, request: Request) -> Any:
        given = await self.body(request)
        if given.get("customer_id"):
            who = self.one("customers", given["customer_id"])
        elif isinstance(given.get("customer"), dict):
            who = self._customer(given["customer"])
        else:
            raise invalid(customer="is missing")
        number = len(self.box.of("leads")) + 1
        record = make.lead(self.identity("lea"), number, given, who, self._place(who, given))
        record["line_items"] = [make.line(self.identity("lin"), line) for line in given.get("line_items") or []]
        record["total_amount"] = sum(line["amount"] for line in record["line_items"])
        self.tell("lead.created", self.box.add("leads", record))
        return 201, record

    async def convert_lead(self, request: Request) -> Any:
        record = self.one("leads", request.path_params["id"])
        kind = (await self.body(request, "type"))["type"]
        if kind not in ("job", "estimate"):
            raise invalid(type="must be estimate or job")
        if kind == "job":
            made = self.box.add("jobs", make.job(self.identity("job"), {}, record["customer"], record["address"]))
        else:
            made = make.estimate(self.identity("csr"), {}, record["customer"], record["address"])
            self.box.add("estimates", made)
        record["conversions"].append({"id": made["id"], "type": kind})
        self.tell("lead.converted", record)
        self.tell(f"{kind}.created", made)
        return 201, {f"{kind}_id": made["id"]}

    async def list_lead_lines(self, request: Request) -> Any:
        found = self.one("leads", request.path_params["id"])["line_items"]
        return page_of(found, "line_items", request.query_params)

    # --- estimates and invoices ---

    async def create_estimate(self, request: Request) -> Any:
        given = await self.body(request)
        who = self.one("customers", given["customer_id"]) if given.get("customer_id") else None
        place = self._place(who, given) if who else None
        record = self.box.add("estimates", make.estimate(self.identity("csr"), given, who, place))
        for one in given.get("options") or []:
            self._option(record, one)
        self.tell("estimate.created", record)
        return record

    def _option(self, estimate: Record, given: Record) -> Record:
        lines = [make.line(self.identity("lin"), line) for line in given.get("line_items") or []]
        number = f"{estimate['estimate_number']}-{len(estimate['options']) + 1}"
        estimate["options"].append(made := make.option(self.identity("est"), number, given, lines))
        return made

    def _chosen(self, request: Request) -> tuple[Record, Record]:
        estimate = self.one("estimates", request.path_params["id"])
        return estimate, among(estimate["options"], request.path_params["part"], "option")

    async def create_option(self, request: Request) -> Any:
        estimate = self.one("estimates", request.path_params["id"])
        made = self._option(estimate, await self.body(request, "name"))
        self.tell("estimate.option.created", estimate)
        return 201, made

    async def add_option_note(self, request: Request) -> Any:
        _, option = self._chosen(request)
        content = (await self.body(request, "content"))["content"]
        option["notes"].append(note := {"id": self.identity("nte"), "content": content})
        return 201, note

    async def delete_option_note(self, request: Request) -> Any:
        _, option = self._chosen(request)
        option["notes"].remove(among(option["notes"], request.path_params["entry"], "note"))
        return {}

    async def schedule_option(self, request: Request) -> Any:
        estimate, _ = self._chosen(request)
        given = await self.body(request, "start_time")
        estimate["schedule"] = {"scheduled_start": given["start_time"], "scheduled_end": given.get("end_time")}
        self.tell("estimate.scheduled", estimate)
        return {
            "start_time": given["start_time"],
            "end_time": given.get("end_time") or given["start_time"],
            "arrival_window_minutes": given.get("arrival_window_in_minutes", 0),
            "assigned_employees": estimate["assigned_employees"],
        }

    async def option_lines(self, request: Request) -> Any:
        return page_of(self._chosen(request)[1]["line_items"], "line_items", request.query_params)

    async def change_option_lines(self, request: Request) -> Any:
        _, option = self._chosen(request)
        lines: list[Record] = option["line_items"]
        for given in (await self.body(request, "line_items"))["line_items"]:
            if given.get("id") is None:
                lines.append(make.line(self.identity("lin"), given))
            else:
                known = among(lines, given["id"], "line item")
                known |= make.line(known["id"], {**known, **given})
        option["total_amount"] = sum(line["amount"] for line in lines)
        return {"line_items": lines}

    async def answer_options(self, request: Request) -> Any:
        wanted = (await self.body(request, "option_ids"))["option_ids"]
        status = "pro approved" if request.url.path.endswith("approve") else "pro declined"
        known = {option["id"]: estimate for estimate in self.box.of("estimates") for option in estimate["options"]}
        for identity in wanted:
            if identity not in known:
                raise missing("option")
            among(known[identity]["options"], identity, "option")["approval_status"] = status
            self.tell("estimate.option.approval_status_changed", known[identity])
        return {"status": status, "last_updated_at": now()}

    async def create_invoice(self, request: Request) -> Any:
        given = await self.body(request)
        if given.get("job_id"):
            job = self.one("jobs", given["job_id"])
            given.setdefault("amount", job["total_amount"])
        record = self.box.add("invoices", make.invoice(self.identity("invoice"), given))
        self.tell("invoice.created", record)
        return 201, record

    async def payments(self, request: Request) -> Any:
        return {"payments": self.one("invoices", request.path_params["id"])["payments"]}

    # --- what hangs on jobs and options ---

    async def add_link(self, request: Request) -> Any:
        given = await self.body(request, "title", "url")
        return 201, self.box.add("links", {"id": self.identity("lnk"), **given, "on": request.path_params["id"]})

    async def add_file(self, request: Request) -> Any:
        head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        form = message_from_bytes(head + await request.body())
        parts = form.get_payload() if form.is_multipart() else []
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, str) and part.get_param("name", header="content-disposition") == "file":
                made = {"id": self.identity("att"), "file_name": part.get_filename(), "on": request.path_params["id"]}
                self.box.add("attachments", made)
                kind = "estimate" if "/estimates/" in request.url.path else "job"
                return 202, {f"{kind}_url": f"https://pro.example.org/{kind}s/{request.path_params['id']}"}
        raise invalid(file="is missing")

    # --- settings ---

    async def company(self, request: Request) -> Any:
        company = {"id": COMPANY_ID, "name": "Summit Air", "locations": []}
        return {"companies": [company]} if request.url.path.endswith("companies") else company

    async def availability(self, request: Request) -> Any:
        if request.url.path.endswith("booking_windows"):
            free = {"start_time": "2026-05-06T14:00:00Z", "end_time": "2026-05-06T14:30:00Z", "available": True}
            return {"booking_windows": [free], "show_for_days": 7, "start_date": "2026-05-06T00:00:00"}
        hours = self.box.of("hours")
        if request.method == "PUT":
            given = await self.body(request, "daily_schedule_windows")
            if not isinstance(given.get("availability_buffer_in_days"), (int, float)):
                raise Refused(400, {"message": "availability_buffer_in_days is missing"})
            hours[:] = [given]
        kept = hours[0] if hours else {"availability_buffer_in_days": 0, "daily_schedule_windows": []}
        days = {"data": kept["daily_schedule_windows"]}
        return {"availability_buffer_in_days": kept["availability_buffer_in_days"], "daily_availabilities": days}

    async def empty(self, request: Request) -> Any:
        name = request.url.path.rpartition("/")[2]
        if name == "checklists" and not request.query_params.keys() & {"job_uuids", "estimate_uuids"}:
            raise Refused(400, {"message": "job_uuids or estimate_uuids is needed"})
        return page_of([], name, request.query_params)

    async def statuses(self, request: Request) -> Any:
        kind = request.query_params.get("resource_type")
        if kind not in ("lead", "job", "estimate"):
            raise Refused(404, {"error": "resource_type not found"})
        found = [one for one in self.box.of("statuses") if one["resource_type"] == kind]
        return page_of(found, "statuses", request.query_params)

    async def move(self, request: Request) -> Any:
        given = await self.body(request, "resource_type", "resource_id", "status_id")
        if given["resource_type"] not in ("lead", "job", "estimate"):
            raise Refused(404, {"error": "resource_type not found"})
        record = self.one(f"{given['resource_type']}s", given["resource_id"])
        status = self.one("statuses", given["status_id"])
        record["pipeline_status"] = status["name"]
        self.tell(f"{given['resource_type']}.updated", record)
        return {**given, "name": status["name"]}

    async def application(self, request: Request) -> Any:
        state = "disabled" if request.url.path.endswith("disable") else "enabled"
        return {"name": "hooks", "state": state, "organization_id": COMPANY_ID}

    async def subscribe(self, request: Request) -> Any:
        if request.url.path.endswith("subscription"):
            return JSONResponse({}, 200)
        given = await self.body(request)
        return 201, self.box.add("webhooks", {"id": self.identity("wh"), **given})


def visits_of(job: Record) -> list[Record]:
    visits: list[Record] = job["schedule"]["appointments"]
    return visits


def among(records: list[Record], identity: object, what: str) -> Record:
    found = next((record for record in records if record["id"] == identity), None)
    if found is None:
        raise missing(what)
    return found
