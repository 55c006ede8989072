"""What the stand-in for ServiceTitan answers: five verbs for all kinds of records, and the operations beside them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hooks.kit.sandbox import Sandbox, fields

from .sandbox_records import Record, Refused, check, fits, invalid, now, page_of

Endpoint = Callable[[Request], Awaitable[Any]]

_NO_ANSWER = frozenset({"invoices"})
"""Kinds whose update answers nothing."""
_ONLY_ID = frozenset({"technicians", "invoices"})
"""Kinds whose creation answers no more than the id."""


class Records:
    """The endpoints of all kinds of records."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box

    def exists(self, kind: str, identity: object) -> bool:
        return self.box.find(kind, "id", identity) is not None

    def one(self, kind: str, identity: object, request: Request) -> Record:
        record = self.box.find(kind, "id", identity)
        if record is None or not self.in_scope(record, request):
            raise Refused(404, "The record was not found.")
        return record

    def in_scope(self, record: Record, request: Request) -> bool:
        """Whether the record is of the provider or the customer that the path names."""
        path = request.path_params
        return ("provider" not in path or record.get("bookingProviderId") == path["provider"]) and (
            "customer" not in path or record.get("customerId") == path["customer"]
        )

    def reach(self, customer: object) -> list[str]:
        return [one["value"] for one in self.box.of("contacts") if one["customerId"] == customer]

    def add(self, kind: str, given: Record, **more: Any) -> Record:
        kept = given.get("externalData") or {}
        stamped = {"active": True, "createdOn": now(), "modifiedOn": now()}
        record = {**stamped, **given, "id": 1000 + self.box.number(), **more}
        if kind not in ("contacts", "assigned"):
            record["externalData"] = kept.get("externalData", []) if isinstance(kept, dict) else kept
        return self.box.add(kind, record)

    # --- the five verbs ---

    def verb(self, name: str, kind: str) -> Endpoint:
        async def endpoint(request: Request) -> Any:
            return await getattr(self, name)(kind, request)

        return endpoint

    async def listing(self, kind: str, request: Request) -> Any:
        if "customer" in request.path_params:
            self.one("customers", request.path_params["customer"], Request({"type": "http", "path_params": {}}))
        found = [
            record
            for record in self.box.of(kind)
            if self.in_scope(record, request) and fits(record, request.query_params, self.reach)
        ]
        return page_of(found, request.query_params)

    async def get(self, kind: str, request: Request) -> Any:
        return self.one(kind, request.path_params["id"], request)

    async def create(self, kind: str, request: Request) -> Any:
        given = await fields(request)
        check(kind, given, self.exists)
        maker: Callable[[Record, Request], Record] | None = getattr(self, f"_new_{kind}", None)
        made = self.add(kind, given) if maker is None else maker(given, request)
        return {"id": made["id"]} if kind in _ONLY_ID else made

    async def update(self, kind: str, request: Request) -> Any:
        record = self.one(kind, request.path_params["id"], request)
        given = await fields(request)
        check(kind, given, self.exists, changing=True)
        if kind == "bookings" and record["status"] != "New":
            raise Refused(409, "The booking is not new any more.")
        if isinstance(external := given.pop("externalData", None), dict):
            kept = record["externalData"] if external.get("patchMode") == "Merge" else []
            new = {one["key"]: one for one in [*kept, *external["externalData"]]}
            record["externalData"] = list(new.values())
        record.update(given, modifiedOn=now())
        if kind in _NO_ANSWER:
            return None
        return {"id": record["id"]} if kind in _ONLY_ID else record

    async def delete(self, kind: str, request: Request) -> Any:
        record = self.one(kind, request.path_params["id"], request)
        job = record.get("jobId")
        if kind == "appointments" and sum(1 for one in self.box.of(kind) if one["jobId"] == job) == 1:
            raise Refused(409, "A job keeps at least one appointment.")
        self.box.of(kind).remove(record)

    # --- records that are more than what was given ---

    def _new_bookings(self, given: Record, request: Request) -> Record:
        shown = {name: value for name, value in given.items() if name != "contacts"}
        return self.add("bookings", shown, status="New", jobId=None, bookingProviderId=request.path_params["provider"])

    def _new_customers(self, given: Record, _: Request) -> Record:
        own = {name: value for name, value in given.items() if name not in ("locations", "contacts")}
        record = self.add("customers", {"type": "Residential", **own}, balance=0)
        places = [self.add("locations", {**place, "customerId": record["id"]}) for place in given["locations"]]
        contacts = [self._contact(one, record["id"]) for one in given.get("contacts") or []]
        return {**record, "locations": places, "contacts": contacts}

    def _contact(self, given: Record, customer: int) -> Record:
        settings = {"phoneNumber": given["value"], "doNotText": False} if "Phone" in given["type"] else None
        return self.add("contacts", given, customerId=customer, phoneSettings=settings)

    def _new_contacts(self, given: Record, request: Request) -> Record:
        customer = request.path_params["customer"]
        if not self.exists("customers", customer):
            raise Refused(404, "The customer was not found.")
        return self._contact(given, customer)

    def _new_jobs(self, given: Record, _: Request) -> Record:
        record = self.add("jobs", {name: value for name, value in given.items() if name != "appointments"})
        visits = [self._visit({**visit, "jobId": record["id"]}) for visit in given["appointments"]]
        record |= {
            "jobNumber": str(record["id"]),
            "jobStatus": "Scheduled",
            "appointmentCount": len(visits),
            "firstAppointmentId": visits[0]["id"],
            "lastAppointmentId": visits[-1]["id"],
        }
        return record

    def _visit(self, given: Record) -> Record:
        job = self.box.find("jobs", "id", given["jobId"]) or {}
        number = (
            f"{given['jobId']}-{sum(1 for one in self.box.of('appointments') if one['jobId'] == given['jobId']) + 1}"
        )
        own = {name: value for name, value in given.items() if name != "technicianIds"}
        visit = self.add(
            "appointments",
            own,
            appointmentNumber=number,
            status="Scheduled",
            customerId=job.get("customerId"),
            unused=False,
        )
        self.assign(visit, given.get("technicianIds") or [])
        return visit

    def _new_appointments(self, given: Record, _: Request) -> Record:
        job = self.box.find("jobs", "id", given["jobId"]) or {}
        if job.get("jobStatus") == "Canceled":
            raise Refused(409, "The job is canceled.")
        visit = self._visit(given)
        job["appointmentCount"] += 1
        job["lastAppointmentId"] = visit["id"]
        return visit

    def _new_invoices(self, given: Record, _: Request) -> Record:
        items = [{**item, "id": 1000 + self.box.number()} for item in given.get("items") or []]
        total = str(given.get("subtotal", 0))
        return self.add("invoices", {**given, "items": items}, referenceNumber=given.get("number"), total=total)

    def _new_projects(self, given: Record, _: Request) -> Record:
        return self.add("projects", given, number=f"P{self.box.number()}", status="Open", jobIds=[])

    # --- operations that are not one of the five ---

    def assign(self, visit: Record, technicians: list[int]) -> None:
        for technician in technicians:
            known = self.box.find("technicians", "id", technician)
            if known is None:
                raise invalid({"technicianIds": [f"technician {technician} does not exist."]})
            pair = {"technicianId": technician, "technicianName": known["name"], "appointmentId": visit["id"]}
            if not any(pair.items() <= one.items() for one in self.box.of("assigned")):
                self.add("assigned", pair, jobId=visit["jobId"], status="Scheduled", isPaused=False)

    async def assigning(self, request: Request) -> Any:
        given = await fields(request)
        check("assignments", given, self.exists)
        visit = self.one("appointments", given["jobAppointmentId"], request)
        if visit["status"] in ("Done", "Canceled"):
            raise Refused(409, "The appointment is over.")
        if request.url.path.endswith("unassign-technicians"):
            self.box.records["assigned"] = [
                one
                for one in self.box.of("assigned")
                if one["appointmentId"] != visit["id"] or one["technicianId"] not in given["technicianIds"]
            ]
        else:
            self.assign(visit, given["technicianIds"])
        return visit

    async def cancel(self, request: Request) -> Any:
        job = self.one("jobs", request.path_params["id"], request)
        given = await fields(request)
        check("cancellations", given, self.exists)
        if job["jobStatus"] == "Canceled":
            raise Refused(409, "The job is canceled already.")
        job.update(jobStatus="Canceled", modifiedOn=now())
        for visit in self.box.of("appointments"):
            if visit["jobId"] == job["id"]:
                visit["status"] = "Canceled"

    async def update_item(self, request: Request) -> Any:
        invoice = self.one("invoices", request.path_params["id"], request)
        given = await fields(request)
        check("items", given, self.exists)
        there = next((item for item in invoice["items"] if item["id"] == given.get("id")), None)
        if there is not None:
            there.update(given)
        elif given.get("id") is None:
            invoice["items"].append({**given, "id": 1000 + self.box.number()})
        else:
            raise Refused(404, "The item was not found.")

    async def delete_item(self, request: Request) -> Any:
        invoice = self.one("invoices", request.path_params["id"], request)
        there = next((item for item in invoice["items"] if item["id"] == request.path_params["item"]), None)
        if there is None:
            raise Refused(404, "The item was not found.")
        invoice["items"].remove(there)

    def custom_fields(self, kind: str) -> Endpoint:
        async def endpoint(request: Request) -> Any:
            given = await fields(request)
            check("fields", given, self.exists)
            for operation in given["operations"]:
                self.one(kind, operation["objectId"], request)["customFields"] = operation["customFields"]

        return endpoint

    async def upload(self, request: Request) -> Any:
        head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        form = message_from_bytes(head + await request.body())
        parts = form.get_payload() if form.is_multipart() else []
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, str) and part.get_param("name", header="content-disposition") == "file":
                content = part.get_payload(decode=True)
                path = f"InstalledEquipment/Documents/{self.box.number():08d}-{part.get_filename()}"
                kept = b64encode(content if isinstance(content, bytes) else b"").decode()
                self.box.add("files", {"path": path, "type": part.get_content_type(), "content": kept})
                return {"path": path}
        raise invalid({"file": ["The file field is required."]})

    async def download(self, request: Request) -> Any:
        path = request.query_params.get("path", "")
        if path.startswith("Elsewhere/"):
            return RedirectResponse(f"https://files.example.org/{path}", 302)
        if path.startswith("Nowhere/"):
            return Response(status_code=302, headers={"location": "http://[files.example.org"})
        if path.startswith("Moved/"):
            return RedirectResponse(f"{request.url.path}?path={path.removeprefix('Moved/')}", 302)
        found = self.box.find("files", "path", path)
        if found is None:
            raise Refused(404, "The file was not found.")
        return Response(b64decode(found["content"]), media_type=found["type"])
