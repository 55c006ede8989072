"""Deliver: the six operations that Supergood's page names.

The page promises idempotency keys and does not say how they travel. As long as that is assumed, a call that creates
something and whose outcome is unknown is held for a person: a wrong header would double a payment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hooks.events import Request
from hooks.kit.operations import Operation, json_body, query_pairs
from hooks.ports import Action

from .client import REFRESH, SESSIONS
from .models import CreateInvoice, CreateJob, ListCustomers, RecordPayment


def _with_more(request: Request, inputs: Mapping[str, Any], _: Any) -> Request:
    """The fields of ``more`` beside the others; what is named itself wins."""
    if "more" not in inputs:
        return request
    body = json.loads(request.body or b"{}")
    more = body.pop("more", {})
    return replace(request, body=json_body({**more, **body}))


def _with_filters(request: Request, inputs: Mapping[str, Any], _: Any) -> Request:
    rest = {name: value for name, value in inputs.items() if name != "filters"}
    return replace(request, query=query_pairs({**inputs.get("filters", {}), **rest}, joined=True))


ACTIONS: tuple[Action, ...] = (
    Operation(
        name="create_session",
        method="POST",
        path=SESSIONS,
        summary="Sign in anew with the connection's credentials. Not needed: sessions are kept fresh by themselves.",
        body="none",
        harmless=True,
    ),
    Operation(
        name="refresh_session",
        method="POST",
        path=REFRESH,
        summary="Prolong the connection's session. Not needed: sessions are kept fresh by themselves.",
        body="none",
        harmless=True,
    ),
    Operation(
        name="list_customers",
        method="GET",
        path="/customers",
        summary="List customers.",
        takes=ListCustomers,
        body="none",
        adjust=_with_filters,
    ),
    Operation(
        name="create_job",
        method="POST",
        path="/jobs",
        summary="Create a job for a customer.",
        takes=CreateJob,
        adjust=_with_more,
    ),
    Operation(
        name="create_invoice",
        method="POST",
        path="/jobs/{jobId}/invoices",
        summary="Create the invoice of a job.",
        takes=CreateInvoice,
        adjust=_with_more,
    ),
    Operation(
        name="record_payment",
        method="POST",
        path="/invoices/{invoiceId}/payments",
        summary="Record a payment of an invoice.",
        takes=RecordPayment,
        adjust=_with_more,
    ),
)
