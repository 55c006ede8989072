"""Supergood's six operations, from its page; names of fields are not published."""

from __future__ import annotations

from hooks.vendors.supergood import vendor
from hooks.vendors.supergood.sandbox import PASSWORD, USERNAME, sandbox
from tests.vendors.documents.account import Account, Document, Row

LINES = [{"name": "AC tune-up", "quantity": 1, "unitPrice": 18900}]
TABLE: dict[str, Row] = {
    "create_session": ("POST", "/sessions", {}),
    "refresh_session": ("POST", "/sessions/refresh", {}),
    "list_customers": ("GET", "/customers", {"search": "maya"}),
    "create_job": ("POST", "/jobs", {"customerId": "cus_1", "service": "AC tune-up"}),
    "create_invoice": ("POST", "/jobs/$job/invoices", {"jobId": "$job", "lineItems": LINES}),
    "record_payment": (
        "POST",
        "/invoices/$invoice/payments",
        {"invoiceId": "$invoice", "amount": 18900, "method": "check"},
    ),
}


async def prepare(account: Account) -> None:
    """Records made here are kept under the key of the call: each in its own."""
    made = {"job": account.box.add("jobs", {"id": "job_a"}), "invoice": account.box.add("invoices", {"id": "inv_a"})}
    account.ids |= {name: record["id"] for name, record in made.items()}


SUPERGOOD = Document(
    vendor, sandbox, {"base_url": "{sandbox}", "username": USERNAME, "password": PASSWORD}, TABLE, prepare
)
