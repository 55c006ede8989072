"""The script of the demo: what the invented businesses send this morning, and what must come of it.

Two of them use Housecall Pro (Summit Air, Harbor Plumbing), one forwards its web leads with Zapier, one (Bright Lawn)
has a Zap that was made for JobCloser and now points here. All people are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hooks.cli.demo.senders import Business, Delivery, LostAnswer, Outage, Scene, again, zap

_MAYA = {
    "id": "cus_5f01",
    "first_name": "Maya",
    "last_name": "Ortiz",
    "email": "maya@example.org",
    "mobile_number": "3035550142",
}
_INES = {
    "id": "cus_5f02",
    "first_name": "Ines",
    "last_name": "Falk",
    "email": "ines@example.org",
    "mobile_number": "3035550143",
}
_THEO = {
    "id": "cus_7a01",
    "first_name": "Theo",
    "last_name": "Lindqvist",
    "email": "theo@example.org",
    "mobile_number": "2075550117",
}
_BIRCH = {"id": "adr_77", "type": "service", "street": "18 Birch Rd", "city": "Golden", "state": "CO", "zip": "80401"}
_QUAY = {"id": "adr_91", "type": "service", "street": "4 Quay St", "city": "Portland", "state": "ME", "zip": "04101"}


def morning(now: datetime) -> Iterator[Scene]:
    """The scenes in their order; instants inside the bodies are set around ``now``."""
    summit = Business("summit", "0b7d2a6e-51c4-4d3f-9f0e-6a1d3c8e2b11", now, _BIRCH)
    harbor = Business("harbor", "5c90f3d2-7a35-4c1e-8b7a-d41f0e6b9c22", now, _QUAY)
    booking, note, lead = "ServiceTitan bookings", "office notes", "JobCloser leads"
    in_homebase = ("Homebase360 customers", "Homebase360 jobs")

    yield Delivery(
        "summit",
        "ping",
        "Housecall Pro tests the address",
        b'{"foo":"bar"}',
        signed="no",
        status=200,
        verdict="ping",
        events=0,
    )
    yield summit.customer("customer.created", _MAYA)
    yield summit.send(
        "lead.created",
        "a lead from the website",
        lead={
            "id": "lea_9c",
            "number": 31,
            "customer": _MAYA,
            "address": _BIRCH,
            "lead_source": "Website",
            "status": "open",
        },
    )
    yield zap(
        "leads",
        "Maya Ortiz asks for a tune-up",
        {"Name": "Maya Ortiz", "Phone": "303-555-0142", "Email": "maya@example.org", "Note": "AC tune-up"},
        runs=1,
        makes=(f"{booking}/maya",),
    )
    yield summit.job("job.created", "job_41", _MAYA, "AC tune-up", 18900, "needs scheduling")
    yield summit.send(
        "job.appointment.scheduled",
        "an appointment for Maya Ortiz",
        appointment={"id": "appt_8", "job_id": "job_41", "start_time": summit.at(60), "end_time": summit.at(180)},
    )
    yield summit.job("job.scheduled", "job_41", _MAYA, "AC tune-up", 18900, "scheduled")
    yield harbor.customer("customer.created", _THEO)
    yield harbor.job("job.created", "job_88", _THEO, "Water heater", 42000, "needs scheduling")
    yield zap(
        "lawn",
        "Bright Lawn's old Zap: a lead",
        {"Name": "Omar Haddad", "Phone": "720-555-0163", "JobZip": "80203"},
        path="/api/zapier/createlead",
        form=True,
        runs=1,
        makes=(f"{lead}/omar",),
    )
    yield LostAnswer("servicetitan", "/bookings")
    yield zap(
        "leads",
        "Nora Whitlock asks for a quote",
        {"full_name": "Nora Whitlock", "phone_number": "+13035550188"},
        form=True,
        runs=1,
        makes=(f"{booking}/nora",),
    )
    yield zap(
        "leads",
        "Nora asks again on another form",
        {"full_name": "Nora Whitlock", "phone_number": "(303) 555-0188", "source": "Landing page"},
        skipped=1,
    )
    yield harbor.job("job.on_my_way", "job_88", _THEO, "Water heater", 42000, "in progress")
    yield harbor.job("job.started", "job_88", _THEO, "Water heater", 42000, "in progress")
    yield summit.job("job.on_my_way", "job_41", _MAYA, "AC tune-up", 18900, "in progress")
    yield summit.job("job.started", "job_41", _MAYA, "AC tune-up", 18900, "in progress")
    tune_up = summit.job(
        "job.completed",
        "job_41",
        _MAYA,
        "AC tune-up",
        18900,
        "complete unrated",
        runs=1,
        makes=(f"{in_homebase[0]}/maya", f"{in_homebase[1]}/41"),
    )
    yield tune_up
    yield again(tune_up)
    yield summit.job(
        "job.completed",
        "job_666",
        _MAYA,
        "a forged job",
        990000,
        "complete unrated",
        signed="wrong",
        status=401,
        verdict="refused",
        events=0,
    )
    yield zap(
        "lawn",
        "Bright Lawn's old Zap: a customer",
        {"Name": "Priya Nair", "Email": "priya@example.org"},
        path="/api/zapier/createcustomer",
        kind="customer.created",
        runs=1,
        makes=("JobCloser customers/priya",),
    )
    yield zap(
        "lawn",
        "somebody tries a wrong key",
        {"Name": "Mallory"},
        path="/api/zapier/createlead",
        signed="wrong",
        status=401,
        verdict="refused",
        events=0,
    )
    yield Outage("homebase360", begins=True)
    yield harbor.job(
        "job.completed",
        "job_88",
        _THEO,
        "Water heater",
        42000,
        "complete unrated",
        runs=1,
        makes=(f"{in_homebase[0]}/theo", f"{in_homebase[1]}/88"),
    )
    estimate = {"id": "csr_12", "estimate_number": "88", "customer": _THEO}
    offer = {"id": "est_1", "name": "Copper pipes", "total_amount": 420000}
    yield harbor.send("estimate.created", "an estimate for Theo Lindqvist", estimate={**estimate, "options": [offer]})
    yield harbor.send("estimate.sent", "it is sent", estimate={**estimate, "options": [offer]})
    yield Outage("homebase360", begins=False)
    yield harbor.send(
        "estimate.option.approval_status_changed",
        "Theo Lindqvist approves it",
        runs=1,
        makes=(f"{note}/estimate",),
        estimate={**estimate, "options": [{**offer, "approval_status": "approved"}]},
    )
    yield harbor.job("job.completed", "job_89", _THEO, "a washer", 3500, "complete rated")
    yield summit.job("job.completed", "job_42", _INES, "a favour", 12000, "complete rated", tags=["do-not-sync"])
    yield summit.job(
        "job.completed",
        "job_43",
        _MAYA,
        "Filter change",
        9500,
        "complete rated",
        runs=1,
        makes=(f"{in_homebase[0]}/maya", f"{in_homebase[1]}/43"),
    )
    bill = {"id": "invoice_3", "invoice_number": "1207", "amount": 18900, "job_id": "job_41"}
    yield summit.send("invoice.created", "invoice 1207", invoice={**bill, "status": "open", "due_amount": 18900})
    yield summit.send("invoice.sent", "invoice 1207 is sent", invoice={**bill, "status": "open", "due_amount": 18900})
    yield summit.send(
        "invoice.paid",
        "invoice 1207 is paid",
        runs=1,
        makes=(f"{note}/1207",),
        invoice={
            **bill,
            "status": "paid",
            "due_amount": 0,
            "paid_at": summit.at(0),
            "payments": [{"status": "succeeded", "payment_method": "card", "amount": 18900, "paid_at": summit.at(0)}],
        },
    )
    yield harbor.job(
        "job.canceled", "job_90", _THEO, "Leaking tap", 8000, "user canceled", runs=1, makes=(f"{note}/job_90",)
    )
    yield harbor.send(
        "invoice.paid",
        "invoice 2051 is paid",
        runs=1,
        makes=(f"{note}/2051",),
        invoice={"id": "invoice_9", "invoice_number": "2051", "amount": 42000, "due_amount": 0, "status": "paid"},
    )
    yield zap(
        "lawn",
        "Bright Lawn's old Zap: another lead",
        {"Name": "June Park", "Phone": "720-555-0171", "ReferredBy": "Facebook Lead Ads"},
        path="/api/zapier/createlead",
        runs=1,
        makes=(f"{lead}/june",),
    )
    yield zap(
        "leads",
        "two leads in one request",
        [{"Name": "Abel Moreau", "Phone": "303-555-0151"}, {"Name": "Rosa Klein", "Phone": "303-555-0152"}],
        runs=2,
        makes=(f"{booking}/abel", f"{booking}/rosa"),
    )
    yield summit.send(
        "lead.converted",
        "the lead of this morning is won",
        lead={"id": "lea_9c", "number": 31, "customer": _MAYA, "status": "won"},
    )
    yield harbor.send(
        "employee.created",
        "a new colleague",
        employee={
            "id": "pro_4",
            "first_name": "Lee",
            "last_name": "Park",
            "email": "lee@example.org",
            "role": "field tech",
        },
    )
    yield harbor.customer("customer.updated", {**_THEO, "lead_source": "Referral"})
    yield harbor.job("job.dispatched", "job_91", _THEO, "a kind that no document lists", 0, "scheduled")
