"""What ServiceTitan's operations take, in the vendor's own field names.

Source: the vendor's API descriptions of 2026-07, which agree with those of 2024-12 for the operations here. Ids are
whole numbers of up to 64 bits, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hooks.kit.operations import Inputs, Instant, Number, Spec, make_inputs

Id = Annotated[int, Field(ge=1, lt=1 << 63)]
Ids = list[Id]
ContactType = Literal["Phone", "Email", "Fax", "MobilePhone"]
CustomerType = Literal["Residential", "Commercial"]
Priority = Literal["Low", "Normal", "High", "Urgent"]
Active = Literal["True", "False", "Any"]
JobStatus = Literal["Scheduled", "Dispatched", "InProgress", "Hold", "Completed", "Canceled"]
AppointmentStatus = Literal["Scheduled", "Dispatched", "Working", "Hold", "Done", "Canceled"]


# --- objects inside inputs ---


class BookingAddress(Inputs):
    """The address of a booking."""

    street: str = Field(description="Street and house number.")
    unit: str | None = Field(None, description="Unit or apartment.")
    city: str = Field(description="City.")
    state: str = Field(description="State, such as `CO`.")
    zip: str = Field(description="ZIP code, as text.")
    country: str = Field(description="Country, such as `US`.")


class Address(BookingAddress):
    """The address of a customer or a location."""

    latitude: Number | None = Field(None, description="Latitude.")
    longitude: Number | None = Field(None, description="Longitude.")


class NewContact(Inputs):
    """A way to reach somebody."""

    type: ContactType = Field(description="Kind of contact.")
    value: str = Field(min_length=1, description="The number or address.")
    memo: str | None = Field(None, description="A note.")


class CustomField(Inputs):
    """A value of a field that the tenant has defined."""

    typeId: Id = Field(description="The field's id.")
    value: str = Field(description="The value, as text.")


class ExternalDatum(Inputs):
    """One key and value kept with a record."""

    key: str = Field(min_length=1, description="The key.")
    value: str = Field(description="The value, as text.")


class ExternalData(Inputs):
    """Keys and values of an application of yours, kept with a record and searchable: what finds it again."""

    applicationGuid: str = Field(min_length=1, description="The application's GUID from the developer portal.")
    externalData: list[ExternalDatum] = Field(min_length=1, description="Keys and values.")


class NewLocation(Inputs):
    """A place of service of a new customer."""

    name: str = Field(min_length=1, description="Name of the location.")
    address: Address = Field(description="Its address.")
    contacts: list[NewContact] | None = Field(None, description="Ways to reach somebody there.")
    customFields: list[CustomField] | None = Field(None, description="Values of the tenant's own fields.")


class NewAppointment(Inputs):
    """A visit of a new job."""

    start: Instant = Field(description="Planned start.")
    end: Instant = Field(description="Planned end.")
    arrivalWindowStart: Instant | None = Field(None, description="Earliest arrival told to the customer.")
    arrivalWindowEnd: Instant | None = Field(None, description="Latest arrival told to the customer.")
    technicianIds: Ids | None = Field(None, description="Who is sent.")


class JobGeneratedLeadSource(Inputs):
    """What a job came from: another job or an employee."""

    jobId: Id | None = Field(None, description="The job it was made from.")
    employeeId: Id | None = Field(None, description="The office user or technician who won it.")


# --- bookings ---


class CreateBooking(Inputs):
    """A booking: a request for work that needs no customer, location or job type yet."""

    booking_provider: Id | None = Field(None, description="The booking provider; by default the connection's.")
    source: str = Field(min_length=1, description="Where the booking comes from.")
    name: str = Field(min_length=1, description="Who asks.")
    summary: str = Field(description="What for.")
    isFirstTimeClient: bool = Field(description="Whether this is a new customer.")
    externalId: str = Field(
        min_length=1, description="Your own id of the booking: what finds it again, such as `${id}`."
    )
    address: BookingAddress | None = Field(None, description="Where the work is.")
    contacts: list[NewContact] | None = Field(None, description="Ways to reach the person.")
    customerType: CustomerType | None = Field(None, description="Kind of customer.")
    start: Instant | None = Field(None, description="Wanted start.")
    campaignId: Id | None = Field(None, description="The campaign.")
    businessUnitId: Id | None = Field(None, description="The business unit.")
    jobTypeId: Id | None = Field(None, description="The job type.")
    priority: Priority | None = Field(None, description="Priority.")
    uploadedImages: list[str] | None = Field(None, description="Paths of uploaded images.")
    isSendConfirmationEmail: bool | None = Field(None, description="Whether the person is sent a confirmation.")


class GetBooking(Inputs):
    """One booking of a provider."""

    booking_provider: Id | None = Field(None, description="The booking provider; by default the connection's.")
    id: Id = Field(description="The booking's id.")


# --- customers, locations, jobs ---


class CreateCustomer(Inputs):
    """A customer with at least one location."""

    name: str = Field(min_length=1, description="Name.")
    locations: list[NewLocation] = Field(min_length=1, description="Places of service, at least one.")
    address: Address = Field(description="The address bills go to.")
    type: CustomerType | None = Field(None, description="Kind of customer.")
    doNotMail: bool | None = Field(None, description="Flagged as not to be mailed.")
    doNotService: bool | None = Field(None, description="Flagged as not to be served.")
    nationalAccount: bool | None = Field(None, description="A national account.")
    contacts: list[NewContact] | None = Field(None, description="Ways to reach the customer.")
    customFields: list[CustomField] | None = Field(None, description="Values of the tenant's own fields.")
    tagTypeIds: Ids | None = Field(None, description="Tags.")
    externalData: ExternalData | None = Field(None, description="Your own keys: what finds the customer again.")
    taxExempt: bool | None = Field(None, description="Free of tax.")
    paymentTermId: Id | None = Field(None, description="The payment term.")
    creditLimit: Number | None = Field(None, description="Credit limit in dollars.")
    creditLimitBalance: Number | None = Field(None, description="What is left of it.")


class CreateLocation(Inputs):
    """A place of service of a customer."""

    customerId: Id = Field(description="The customer.")
    name: str = Field(min_length=1, description="Name of the location.")
    address: Address = Field(description="Its address.")
    contacts: list[NewContact] | None = Field(None, description="Ways to reach somebody there.")
    customFields: list[CustomField] | None = Field(None, description="Values of the tenant's own fields.")
    tagTypeIds: Ids | None = Field(None, description="Tags.")
    externalData: ExternalData | None = Field(None, description="Your own keys: what finds the location again.")


class CreateJob(Inputs):
    """A job with at least one appointment."""

    customerId: Id = Field(description="The customer.")
    locationId: Id = Field(description="The location.")
    businessUnitId: Id = Field(description="The business unit.")
    jobTypeId: Id = Field(description="The job type.")
    priority: Priority = Field(description="Priority.")
    campaignId: Id = Field(description="The campaign.")
    appointments: list[NewAppointment] = Field(min_length=1, description="Visits, at least one.")
    projectId: Id | None = Field(None, description="The project.")
    jobGeneratedLeadSource: JobGeneratedLeadSource | None = Field(None, description="What the job came from.")
    summary: str | None = Field(None, description="Summary, may hold HTML.")
    customFields: list[CustomField] | None = Field(None, description="Values of the tenant's own fields.")
    tagTypeIds: Ids | None = Field(None, description="Tags.")
    externalData: ExternalData | None = Field(None, description="Your own keys: what finds the job again.")
    invoiceSignatureIsRequired: bool | None = Field(
        None, description="Whether the invoice must be signed; by default as location and job type say."
    )
    customerPo: str | None = Field(None, description="The customer's purchase order number.")
    soldById: Id | None = Field(None, description="The technician who sold it.")
    partnerLeadCallId: Id | None = Field(None, description="The partner's lead call.")
    leadId: Id | None = Field(None, description="The lead.")
    bookingId: Id | None = Field(None, description="The booking it was made from.")
    noCharge: bool | None = Field(None, description="A job without charge.")


# --- lists and gets: a vocabulary and a line each ---

LIST = (
    "page? pageSize? includeTotal? sort? createdBefore? createdOnOrAfter? modifiedBefore? modifiedOnOrAfter?"
    " ids? active?"
)
EXTERNAL = "externalDataApplicationGuid? externalDataKey? externalDataValues?"
PLACE = "street? unit? city? state? zip? country? latitude? longitude?"

FIELDS: dict[str, Spec] = {
    "id": (Id, "The record's id."),
    "page": (Annotated[int, Field(ge=1)], "Page, from 1."),
    "pageSize": (Annotated[int, Field(ge=1, le=5000)], "Records per page; 50 where not given."),
    "includeTotal": (bool, "Whether the answer counts all records."),
    "sort": (Annotated[str, Field(pattern=r"^[+-]\w+$")], "`+Field` or `-Field`: Id, ModifiedOn or CreatedOn."),
    "createdBefore": (Instant, "Created before this time."),
    "createdOnOrAfter": (Instant, "Created at or after this time."),
    "modifiedBefore": (Instant, "Changed before this time."),
    "modifiedOnOrAfter": (Instant, "Changed at or after this time."),
    "ids": (Annotated[Ids, Field(max_length=50)], "Only these records, at most 50."),
    "active": (Active, "Active ones, inactive ones or both; by default active ones."),
    "booking_provider": (Id, "The booking provider; by default the connection's."),
    "externalId": (str, "Your own id of the booking."),
    "name": (str, "Name."),
    "phone": (str, "Phone number."),
    "street": (str, "Street."),
    "unit": (str, "Unit."),
    "city": (str, "City."),
    "state": (str, "State."),
    "zip": (str, "ZIP code."),
    "country": (str, "Country."),
    "latitude": (Number, "Latitude."),
    "longitude": (Number, "Longitude."),
    "excludeAccountingChangesFromModifiedDateRange": (bool, "Whether changes of balance count as changes."),
    "externalDataApplicationGuid": (str, "The application whose own keys are searched and shown."),
    "externalDataKey": (str, "Records with this key of your own."),
    "externalDataValues": (list[str], "Records whose key has one of these values."),
    "number": (str, "The job's number."),
    "projectId": (Id, "The project."),
    "bookingId": (Id, "The booking."),
    "jobStatus": (JobStatus, "The job's status."),
    "appointmentStatus": (AppointmentStatus, "Status of one of its appointments."),
    "priority": (str, "Priority."),
    "firstAppointmentStartsOnOrAfter": (Instant, "First appointment at or after this time."),
    "firstAppointmentStartsBefore": (Instant, "First appointment before this time."),
    "appointmentStartsOnOrAfter": (Instant, "An appointment at or after this time."),
    "appointmentStartsBefore": (Instant, "An appointment before this time."),
    "technicianId": (Id, "The technician."),
    "customerId": (Id, "The customer."),
    "locationId": (Id, "The location."),
    "soldById": (Id, "Who sold it."),
    "jobTypeId": (Id, "The job type."),
    "campaignId": (Id, "The campaign."),
    "businessUnitId": (Id, "The business unit."),
    "invoiceId": (Id, "The invoice."),
    "createdFromEstimateId": (Id, "The estimate it was made from."),
    "estimateIds": (Ids, "The estimates."),
    "completedOnOrAfter": (Instant, "Completed at or after this time."),
    "completedBefore": (Instant, "Completed before this time."),
    "tagTypeIds": (Ids, "The tags."),
    "equipmentIds": (Ids, "The equipment."),
    "hasUnusedAppointments": (bool, "Whether it has unused appointments."),
}

GetRecord = make_inputs("GetRecord", "id", FIELDS)
GetJob = make_inputs("GetJob", "id externalDataApplicationGuid?", FIELDS)
ListBookings = make_inputs("ListBookings", f"booking_provider? {LIST.removesuffix(' active?')} externalId?", FIELDS)
ListCustomers = make_inputs(
    "ListCustomers", f"{LIST} name? phone? {PLACE} excludeAccountingChangesFromModifiedDateRange? {EXTERNAL}", FIELDS
)
ListLocations = make_inputs("ListLocations", f"{LIST} name? customerId? {PLACE} {EXTERNAL}", FIELDS)
ListJobs = make_inputs(
    "ListJobs",
    f"{LIST.removesuffix(' active?')} number? projectId? bookingId? jobStatus? appointmentStatus? priority?"
    " firstAppointmentStartsOnOrAfter? firstAppointmentStartsBefore? appointmentStartsOnOrAfter?"
    " appointmentStartsBefore? technicianId? customerId? locationId? soldById? jobTypeId? campaignId? businessUnitId?"
    " invoiceId? createdFromEstimateId? estimateIds? completedOnOrAfter? completedBefore? tagTypeIds? equipmentIds?"
    f" hasUnusedAppointments? {EXTERNAL}",
    FIELDS,
)
