"""Homebase360's seven operations, from its API page."""

from __future__ import annotations

from hooks.vendors.homebase360 import vendor
from hooks.vendors.homebase360.sandbox import API_KEY, sandbox
from tests.vendors.documents.account import Account, Document, Row

CUSTOMER = {
    "firstName": "Maya",
    "lastName": "Ortiz",
    "phone": {"mobile": "+13035550142"},
    "email": ["maya@example.org"],
}
VISIT = {
    "start": "2026-05-06T17:30:00Z",
    "end": "2026-05-06T19:30:00Z",
    "lineItems": [{"name": "AC tune-up", "quantity": 1, "unitPrice": "189.00"}],
}
TABLE: dict[str, Row] = {
    "get_customers": ("GET", "/customers", {"customerId": "$customer"}),
    "create_customer": ("POST", "/customers", {**CUSTOMER, "email": ["ben@example.org"]}),
    "update_customer": ("PATCH", "/customers/$customer", {"customerId": "$customer", "notes": "Gate code 4"}),
    "get_jobs": ("GET", "/jobs", {"startDate": "2026-05-06T00:00:00Z", "endDate": "2026-05-07T00:00:00Z"}),
    "create_job": ("POST", "/jobs", {"customerId": "$customer", **VISIT, "leadSource": {"online": True}}),
    "update_job": ("PATCH", "/jobs/$job", {"jobId": "$job", "note": "Later"}),
    "ping": ("GET", "/ping", {}),
}
OURS: dict[str, Row] = {
    "upsert_customer": (
        "POST",
        "/customers",
        {"customer": {"first_name": "Ben", "last_name": "Wu", "email": "ben@example.org"}},
    ),
    "upsert_job": (
        "POST",
        "/jobs",
        {
            "customerId": "$customer",
            "job": {
                "scheduled_start_at": "2026-06-06T17:30:00Z",
                "scheduled_end_at": "2026-06-06T19:30:00Z",
                "description": "AC tune-up",
                "total_cents": 18900,
            },
        },
    ),
}


async def prepare(account: Account) -> None:
    account.ids["customer"] = (await account.do("create_customer", **CUSTOMER))["customerId"]
    account.ids["job"] = (await account.do("create_job", customerId="$customer", **VISIT))["jobId"]


HOMEBASE360 = Document(
    vendor, sandbox, {"base_url": "{sandbox}/api/v1", "api_key": API_KEY}, TABLE, prepare, OURS, root="/api/v1"
)
