"""Deliver: ServiceTitan's CRM module: bookings, customers and their contacts, locations."""

from __future__ import annotations

from typing import Final

from hooks.ports import Action

from . import models
from .lookups import by_external_data, by_external_id, by_fields
from .rows import deletion, listing, row
from .vocabulary import EXTERNAL, LIST, PAGE, PLACE

CRM: Final = "/crm/v2/tenant/{tenant}"
BOOKINGS: Final = CRM + "/booking-provider/{booking_provider}/bookings"
CUSTOMERS: Final = CRM + "/customers"
CONTACTS: Final = CUSTOMERS + "/{id}/contacts"
LOCATIONS: Final = CRM + "/locations"

_WHOLE_BOOKING_ADDRESS = (models.WholeBookingAddress, "The new address, all six fields.")
_WHOLE_ADDRESS = (models.WholeAddress, "The new address, all eight fields.")
_IS_ACTIVE = (bool, "Whether it is active.")

LIST_BOOKINGS = listing(
    "list_booking_by_provider",
    BOOKINGS,
    "List the bookings of a provider.",
    f"booking_provider? {LIST} ids? externalId?",
    aliases=("list_bookings_by_provider",),
)
LIST_CUSTOMERS = listing(
    "list_customers",
    CUSTOMERS,
    "List customers.",
    f"{LIST} ids? active? name? phone? {PLACE} excludeAccountingChangesFromModifiedDateRange? {EXTERNAL}",
)
GET_CUSTOMER = row("get_customer", "GET", CUSTOMERS + "/{id}", "Get a customer.", "id")
LIST_CONTACTS = listing(
    "list_customers_contact",
    CONTACTS,
    "List the contacts of a customer.",
    f"id {PAGE} modifiedBefore? modifiedOnOrAfter?",
    aliases=("list_customer_contacts",),
)
LIST_LOCATIONS = listing(
    "list_locations", LOCATIONS, "List locations.", f"{LIST} ids? active? name? customerId? {PLACE} {EXTERNAL}"
)
LIST_TENANT_BOOKINGS = listing(
    "list_booking_by_tenant",
    CRM + "/bookings",
    "List the bookings of all providers.",
    f"{LIST} ids? externalId?",
    aliases=("list_bookings_by_tenant",),
)

CREATE_BOOKING = row(
    "create_booking_by_provider",
    "POST",
    BOOKINGS,
    "Create a booking: a request for work that needs no customer yet.",
    models.CreateBooking,
    aliases=("create_booking",),
    find=by_external_id(LIST_BOOKINGS),
)
CREATE_CUSTOMER = row(
    "create_customer",
    "POST",
    CUSTOMERS,
    "Create a customer with its locations.",
    models.CreateCustomer,
    find=by_external_data(LIST_CUSTOMERS),
)
UPDATE_CUSTOMER = row(
    "update_customer",
    "PATCH",
    CUSTOMERS + "/{id}",
    "Change fields of a customer; contacts and locations have actions of their own.",
    "id name? type? address? customFields? externalData? doNotMail? doNotService? nationalAccount? active?"
    " tagTypeIds? taxExempt? paymentTermId? creditLimit? creditLimitBalance?",
    meaning={
        "type": (models.CustomerType, "Kind of customer."),
        "address": _WHOLE_ADDRESS,
        "active": _IS_ACTIVE,
    },
    harmless=True,
)
CREATE_CONTACT = row(
    "create_customer_contact",
    "POST",
    CONTACTS,
    "Add a way to reach a customer.",
    "id type value memo?",
    find=by_fields(
        LIST_CONTACTS,
        lambda inputs: {"id": inputs["id"], "pageSize": 500},
        "type",
        "value",
        lacking="the customer's id",
    ),
)

ACTIONS: tuple[Action, ...] = (
    CREATE_BOOKING,
    row(
        "get_booking_by_provider",
        "GET",
        BOOKINGS + "/{id}",
        "Get a booking of a provider.",
        "booking_provider? id",
    ),
    row("get_booking_by_tenant", "GET", CRM + "/bookings/{id}", "Get a booking of any provider.", "id"),
    LIST_BOOKINGS,
    LIST_TENANT_BOOKINGS,
    row(
        "update_booking",
        "PATCH",
        BOOKINGS + "/{id}",
        "Change fields of a booking.",
        "booking_provider? id source? name? address? customerType? start? summary? campaignId? businessUnitId?"
        " jobTypeId? priority? isFirstTimeClient? uploadedImages? externalId?",
        meaning={"address": _WHOLE_BOOKING_ADDRESS},
        harmless=True,
    ),
    CREATE_CUSTOMER,
    GET_CUSTOMER,
    LIST_CUSTOMERS,
    UPDATE_CUSTOMER,
    CREATE_CONTACT,
    LIST_CONTACTS,
    row(
        "update_customer_contact",
        "PATCH",
        CONTACTS + "/{contactId}",
        "Change a way to reach a customer.",
        "id contactId type? value? memo? preferences?",
        harmless=True,
    ),
    deletion(
        "delete_customers_contact",
        CONTACTS + "/{contactId}",
        "Remove a way to reach a customer.",
        "id contactId",
        vendor_name="deletCustomersContact",
        aliases=("delet_customers_contact", "delete_customer_contact"),
    ),
    row(
        "create_location",
        "POST",
        LOCATIONS,
        "Create a location of a customer.",
        models.CreateLocation,
        find=by_external_data(LIST_LOCATIONS),
    ),
    row("get_location", "GET", LOCATIONS + "/{id}", "Get a location.", "id"),
    LIST_LOCATIONS,
    row(
        "update_location",
        "PATCH",
        LOCATIONS + "/{id}",
        "Change fields of a location.",
        "id customerId? name? address? active? taxZoneId? customFields? tagTypeIds? externalData?",
        meaning={"active": _IS_ACTIVE},
        harmless=True,
    ),
)
