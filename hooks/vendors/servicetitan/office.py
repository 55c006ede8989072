"""Deliver: ServiceTitan's office: invoices and payments (accounting), technicians, roles, business units (settings)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hooks.ports import Action

from . import models
from .lookups import by_fields, unless_it_adds_lines
from .rows import deletion, listing, row
from .vocabulary import CREATED, LIST, PAGE, PaymentStatus

ACCOUNTING: Final = "/accounting/v2/tenant/{tenant}"
INVOICES: Final = ACCOUNTING + "/invoices"
PAYMENTS: Final = ACCOUNTING + "/payments"
SETTINGS: Final = "/settings/v2/tenant/{tenant}"
TECHNICIANS: Final = SETTINGS + "/technicians"

_INVOICE = (
    "number? typeId? invoicedOn? subtotal? tax? taxZoneId? summary? royaltyStatus? royaltyDate? royaltySentOn?"
    " royaltyMemo? exportId? reviewStatus? assignedToId? budgetCodeId? items?"
)
_TECHNICIAN = (
    "phoneNumber? email? login? businessUnitId? aadUserId? team? dailyGoal? burdenRate? bio? memo? jobFilter?"
    " jobHistoryDateFilter? home? customFields?"
)
_STATUS = {"status": (PaymentStatus, "The payment's status.")}

LIST_INVOICES = listing(
    "list_invoices",
    INVOICES,
    "List invoices.",
    f"{LIST} ids? activeState? statuses? batchId? batchNumber? jobId? jobNumber? businessUnitId? customerId?"
    " invoicedOnOrAfter? invoicedOnBefore? adjustmentToId? number? totalGreater? totalLess? dueDateBefore?"
    " dueDateOnOrAfter? reviewStatuses? assignedToIds? customField.Fields?",
    meaning={"statuses": (list[str], "The invoices' statuses.")},
)
LIST_PAYMENTS = listing(
    "list_payments",
    PAYMENTS,
    "List payments.",
    f"{LIST} ids? activeState? appliedToInvoiceIds? appliedToReferenceNumber? batchId? batchNumber? businessUnitIds?"
    " customerId? depositIds? paidOnAfter? paidOnBefore? statuses? totalGreater? totalLess? transactionType?",
    meaning={"statuses": (list[PaymentStatus], "The payments' statuses.")},
)
LIST_TECHNICIANS = listing(
    "list_technicians",
    TECHNICIANS,
    "List technicians.",
    f"{PAGE} {CREATED} modifiedBefore? modifiedOnOrAfter? ids? userIds? name? active?",
)


# --- what records are found again by ---


def _adjustments(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not inputs.get("number"):
        return None
    return {"adjustmentToId": inputs["adjustmentToId"], "number": inputs["number"]}


def _payments_of(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not inputs.get("checkNumber") and not inputs.get("authCode"):
        return None
    return {"appliedToInvoiceIds": [split["invoiceId"] for split in inputs["splits"]], "pageSize": 500}


def _named(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    known = any(inputs.get(name) for name in ("email", "phoneNumber"))
    return {"name": inputs["name"], "active": "Any"} if known else None


def _items(inputs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(inputs.get("items") or ())


ACTIONS: tuple[Action, ...] = (
    listing(
        "list_business_units",
        SETTINGS + "/business-units",
        "List business units.",
        f"{LIST} ids? name? active? externalDataApplicationGuid?",
    ),
    row(
        "create_invoices",
        "POST",
        INVOICES,
        "Create an invoice that adjusts another one.",
        f"adjustmentToId {_INVOICE}",
        find=by_fields(
            LIST_INVOICES,
            _adjustments,
            "adjustmentToId",
            lacking="without number there is nothing to find the invoice again by",
        ),
    ),
    LIST_INVOICES,
    row(
        "update_invoice",
        "PATCH",
        INVOICES + "/{id}",
        "Change fields of an invoice.",
        f"id {_INVOICE} dueDate? payments?",
        find=unless_it_adds_lines(_items),
    ),
    row(
        "update_invoice_items",
        "PATCH",
        INVOICES + "/{invoiceId}/items",
        "Change a line of an invoice, or add one when no `id` is given.",
        models.UpdateInvoiceItem,
        find=unless_it_adds_lines(lambda inputs: [inputs]),
    ),
    deletion("delete_invoice_item", INVOICES + "/{invoiceId}/items/{itemId}", "Delete a line.", "invoiceId itemId"),
    row(
        "update_invoice_custom_fields",
        "PATCH",
        INVOICES + "/custom-fields",
        "Change the tenant's own fields of invoices.",
        "operations",
        harmless=True,
    ),
    row(
        "create_payment",
        "POST",
        PAYMENTS,
        "Create a payment. Newer descriptions of the API lack it: it may be withdrawn.",
        "typeId splits memo? paidOn? authCode? checkNumber? exportId? transactionStatus? status?",
        meaning=_STATUS,
        find=by_fields(
            LIST_PAYMENTS,
            _payments_of,
            "checkNumber",
            "authCode",
            lacking="without checkNumber or authCode there is nothing to find the payment again by",
        ),
    ),
    LIST_PAYMENTS,
    row(
        "update_payment",
        "PATCH",
        PAYMENTS + "/{id}",
        "Change a payment.",
        "id typeId splits active? authCode? checkNumber? exportId? memo? paidOn? status?",
        meaning={
            **_STATUS,
            "splits": (list[models.ChangedSplit], "Which invoice gets how much."),
            "active": (bool, "Whether it is active."),
        },
        harmless=True,
    ),
    row(
        "update_payment_custom_fields",
        "PATCH",
        PAYMENTS + "/custom-fields",
        "Change the tenant's own fields of payments.",
        "operations",
        harmless=True,
    ),
    row(
        "create_technician",
        "POST",
        TECHNICIANS,
        "Create a technician.",
        f"name accountCreationMethod roleId positions licenseType password? {_TECHNICIAN}",
        find=by_fields(
            LIST_TECHNICIANS,
            _named,
            "name",
            "email",
            "phoneNumber",
            lacking="without email or phoneNumber there is nothing to find the technician again by",
        ),
    ),
    row("get_technician", "GET", TECHNICIANS + "/{id}", "Get a technician.", "id"),
    LIST_TECHNICIANS,
    row(
        "update_technician",
        "PATCH",
        TECHNICIANS + "/{id}",
        "Change fields of a technician.",
        f"id name? roleId? positions? licenseType? accountLocked? {_TECHNICIAN}",
        harmless=True,
    ),
    listing(
        "list_user_roles",
        SETTINGS + "/user-roles",
        "List the roles that users can have.",
        f"ids? name? active? employeeType? {PAGE} {CREATED}",
    ),
)
