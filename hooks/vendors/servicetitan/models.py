"""What ServiceTitan's operations take, in the vendor's own field names: words, objects and the larger inputs.

The other inputs are lines of `vocabulary`. Source: the vendor's API descriptions of 2026-07, which agree with those of
2024-12 wherever both cover an operation. Ids are whole numbers of up to 64 bits, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hooks.kit.operations import Inputs, Instant, Number

Id = Annotated[int, Field(ge=1, lt=1 << 63)]
Ids = list[Id]
ContactType = Literal["Phone", "Email", "Fax", "MobilePhone"]
CustomerType = Literal["Residential", "Commercial"]
Priority = Literal["Low", "Normal", "High", "Urgent"]


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


# --- objects inside updates ---


class WholeBookingAddress(Inputs):
    """The new address of a booking: it is replaced as a whole, so all six fields are needed."""

    street: str = Field(description="Street and house number.")
    unit: str = Field(description="Unit or apartment; may be empty.")
    city: str = Field(description="City.")
    state: str = Field(description="State, such as `CO`.")
    zip: str = Field(description="ZIP code, as text.")
    country: str = Field(description="Country, such as `US`.")


class WholeAddress(WholeBookingAddress):
    """The new address of a customer: it is replaced as a whole, so all eight fields are needed."""

    latitude: Number = Field(description="Latitude.")
    longitude: Number = Field(description="Longitude.")


class ChangedExternalData(ExternalData):
    """Keys and values of an application of yours, replaced or merged."""

    patchMode: Literal["Replace", "Merge"] | None = Field(
        None, description="`Merge` keeps keys that are not named; `Replace`, the default, drops them."
    )


# --- equipment ---


class EquipmentField(Inputs):
    """A value of a field that the tenant has defined for equipment."""

    id: Id | None = Field(None, description="The value's id, when it is there already.")
    typeId: Id | None = Field(None, description="The field's id.")
    value: str = Field(description="The value, as text.")


class EquipmentAttachment(Inputs):
    """A file that was uploaded, or a link."""

    alias: str | None = Field(None, description="The name it is shown by.")
    fileName: str | None = Field(None, description="The file's name.")
    type: Literal["Other", "Image", "VideoFile", "VideoLink", "Document"] = Field(description="Kind of attachment.")
    url: str = Field(min_length=1, description="Its address, or the path that the upload answered.")


# --- accounting ---


class InvoiceItem(Inputs):
    """A line of an invoice."""

    description: str = Field(description="Description.")
    quantity: Number = Field(description="Quantity.")
    id: Id | None = Field(None, description="The line's id; without one a line is added.")
    skuId: Id | None = Field(None, description="The price book item's id.")
    skuName: str | None = Field(None, description="The price book item's name.")
    technicianId: Id | None = Field(None, description="The technician who sold it.")
    unitPrice: Number | None = Field(None, description="Price of one, in dollars.")
    cost: Number | None = Field(None, description="Cost of one, in dollars.")
    isAddOn: bool | None = Field(None, description="Whether it was sold on top.")
    signature: str | None = Field(None, description="The customer's signature.")
    technicianAcknowledgementSignature: str | None = Field(None, description="The technician's signature.")
    installedOn: Instant | None = Field(None, description="When it was installed.")
    inventoryWarehouseName: str | None = Field(None, description="The warehouse it came from.")
    inventoryLocationId: Id | None = Field(None, description="The inventory location it came from.")
    skipUpdatingMembershipPrices: bool | None = Field(None, description="Whether membership prices stay as they are.")
    itemGroupName: str | None = Field(None, description="Name of the group of lines.")
    itemGroupRootId: Id | None = Field(None, description="The line the group hangs on.")
    durationBillingId: Id | None = Field(None, description="The duration billing.")
    budgetCodeId: Id | None = Field(None, description="The budget code.")


class UpdateInvoiceItem(InvoiceItem):
    """A line of an invoice, changed or added."""

    invoiceId: Id = Field(description="The invoice's id.")


class InvoicePayment(Inputs):
    """How a payment of an invoice was settled."""

    id: Id = Field(description="The payment's id.")
    settlementStatus: Literal["NotSettled", "Settled"] | None = Field(None, description="Whether it is settled.")
    settlementDate: Instant | None = Field(None, description="When it was settled.")


class Split(Inputs):
    """What part of a payment goes to which invoice."""

    invoiceId: Id = Field(description="The invoice.")
    amount: Number = Field(description="The amount in dollars.")


class ChangedSplit(Split):
    """What part of a payment goes to which invoice, with the invoice's number."""

    invoiceNumber: str | None = Field(None, description="The invoice's number.")


class NamedField(Inputs):
    """A value of a field, by the field's name."""

    name: str = Field(min_length=1, description="The field's name.")
    value: str | None = Field(None, description="The value, as text.")


class FieldOperation(Inputs):
    """New values of the fields of one record."""

    objectId: Id = Field(description="The record's id.")
    customFields: list[NamedField] = Field(min_length=1, description="Fields and values.")


# --- technicians ---


class Home(Inputs):
    """Where a technician lives."""

    street: str = Field(description="Street and house number.")
    city: str = Field(description="City.")
    unit: str | None = Field(None, description="Unit or apartment.")
    state: str | None = Field(None, description="State, such as `CO`.")
    country: str | None = Field(None, description="Country, such as `US`.")
    zip: str | None = Field(None, description="ZIP code, as text.")
    latitude: Number | None = Field(None, description="Latitude.")
    longitude: Number | None = Field(None, description="Longitude.")
