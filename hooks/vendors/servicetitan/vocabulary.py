"""ServiceTitan's field names, each with its type and its meaning, and the words that its enumerations know.

An operation's inputs are a line of these names (`takes`). Source: the vendor's API descriptions of 2026-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from hooks.kit.operations import Inputs, Instant, Number, Scalar, Spec, make_inputs

from . import models
from .models import ContactType, CustomerType, Id, Ids, Priority

Active = Literal["True", "False", "Any"]
JobStatus = Literal["Scheduled", "Dispatched", "InProgress", "Hold", "Completed", "Canceled"]
AppointmentStatus = Literal["Scheduled", "Dispatched", "Working", "Hold", "Done", "Canceled"]
PaymentStatus = Literal["Pending", "Posted", "Exported"]
RoyaltyStatus = Literal["Pending", "Sent", "Failed"]
ReviewStatus = Literal[
    "NeedsReview", "OnHold", "Reviewed", "PendingApproval", "Rejected", "ReadyForBilling", "Invoiced"
]
EquipmentStatus = Literal["Installed", "Replaced"]
AccountCreationMethod = Literal["CreateLater", "SendInvite", "AssignLoginAndPassword"]
Position = Literal[
    "Installer",
    "Service",
    "Sales",
    "Maintenance",
    "Helper",
    "InstallProductionManager",
    "ServiceManager",
    "SalesManager",
    "PartRunner",
    "DummyTech",
]
LicenseType = Literal["NonManagedTech", "ManagedTech", "ManagedInstaller"]
JobHistoryDateFilter = Literal["AllJobs", "LastThreeDays", "LastSevenDays", "LastMonth"]
JobFilter = Literal[
    "AllScheduledDispatchedWorking",
    "NextScheduledDispatchedWorking",
    "DispatchedWorking",
    "NextScheduledDispatchedWorkingToday",
    "AllScheduledDispatchedWorkingToday",
    "AllScheduledDispatchedWorkingFiveDays",
    "NextScheduledDispatchedWorkingTodayTomorrow",
    "AllScheduledDispatchedWorkingTodayTomorrow",
    "Next2ScheduledDispatchedWorkingToday",
]
Query = dict[str, Scalar | list[Scalar]] | list[Annotated[str, Field(pattern=r"^[^=]+=")]]
Texts = list[str]

PAGE = "page? pageSize? includeTotal?"
CREATED = "createdBefore? createdOnOrAfter?"
LIST = f"{PAGE} sort? {CREATED} modifiedBefore? modifiedOnOrAfter?"
WALK = "fetch_all? custom_query?"
EXTERNAL = "externalDataApplicationGuid? externalDataKey? externalDataValues?"
PLACE = "street? unit? city? state? zip? country? latitude? longitude?"

FIELDS: dict[str, Spec] = {
    # ids in paths
    "id": (Id, "The record's id."),
    "booking_provider": (Id, "The booking provider; by default the connection's."),
    "contactId": (Id, "The contact's id."),
    "itemId": (Id, "The line's id."),
    # lists
    "page": (Annotated[int, Field(ge=1)], "Page, from 1."),
    "pageSize": (Annotated[int, Field(ge=1, le=5000)], "Records per page; 50 where not given."),
    "includeTotal": (bool, "Whether the answer counts all records."),
    "sort": (Annotated[str, Field(pattern=r"^[+-]\w+$")], "`+Field` or `-Field`: Id, ModifiedOn or CreatedOn."),
    "createdBefore": (Instant, "Created before this time."),
    "createdOnOrAfter": (Instant, "Created at or after this time."),
    "modifiedBefore": (Instant, "Changed before this time."),
    "modifiedOnOrAfter": (Instant, "Changed at or after this time."),
    "ids": (Annotated[Ids, Field(max_length=50)], "Only these records, at most 50."),
    "fetch_all": (bool, "Walk all pages, at most 10,000 records; `page` and `includeTotal` are then ignored."),
    "custom_query": (Query, "Further query parameters: a mapping, or a list of `key=value`."),
    "externalDataApplicationGuid": (str, "The application whose own keys are searched and shown."),
    "externalDataKey": (str, "Records with this key of your own."),
    "externalDataValues": (Texts, "Records whose key has one of these values."),
    "externalId": (str, "Your own id of the booking."),
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
    "userIds": (Ids, "Only these users."),
    "employeeType": (Literal["Employee", "Technician"], "Kind of employee the role is for."),
    # bookings, customers, contacts, locations
    "name": (str, "Name."),
    "source": (str, "Where the booking comes from."),
    "customerType": (CustomerType, "Kind of customer."),
    "start": (Instant, "Planned start."),
    "end": (Instant, "Planned end."),
    "summary": (str, "Summary, may hold HTML."),
    "campaignId": (Id, "The campaign."),
    "businessUnitId": (Id, "The business unit."),
    "jobTypeId": (Id, "The job type."),
    "priority": (Priority, "Priority."),
    "isFirstTimeClient": (bool, "Whether this is a new customer."),
    "uploadedImages": (Texts, "Paths of uploaded images."),
    "customerId": (Id, "The customer."),
    "locationId": (Id, "The location."),
    "locationIds": (Ids, "The locations."),
    "address": (models.Address, "The address."),
    "customFields": (list[models.CustomField], "Values of the tenant's own fields."),
    "externalData": (models.ChangedExternalData, "Your own keys, replaced or merged."),
    "doNotMail": (bool, "Flagged as not to be mailed."),
    "doNotService": (bool, "Flagged as not to be served."),
    "nationalAccount": (bool, "A national account."),
    "tagTypeIds": (Ids, "Tags."),
    "taxExempt": (bool, "Free of tax."),
    "paymentTermId": (Id, "The payment term."),
    "creditLimit": (Number, "Credit limit in dollars."),
    "creditLimitBalance": (Number, "What is left of it."),
    "taxZoneId": (Id, "The tax zone."),
    "type": (ContactType, "Kind of contact."),
    "value": (Annotated[str, Field(min_length=1)], "The number or address."),
    "memo": (str, "A note."),
    "preferences": (dict[str, Any], "What the contact is used for, as the vendor spells it."),
    # jobs, appointments, projects
    "jobId": (Id, "The job."),
    "jobIds": (Ids, "The jobs."),
    "projectId": (Id, "The project."),
    "bookingId": (Id, "The booking."),
    "invoiceId": (Id, "The invoice."),
    "appointmentId": (Id, "The appointment."),
    "appointmentIds": (Ids, "The appointments."),
    "technicianId": (Id, "The technician."),
    "technicianIds": (Annotated[Ids, Field(min_length=1)], "The technicians."),
    "jobAppointmentId": (Id, "The appointment of the job."),
    "reasonId": (Id, "The cancel reason, one of `list_job_cancel_reasons`."),
    "arrivalWindowStart": (Instant, "Earliest arrival told to the customer."),
    "arrivalWindowEnd": (Instant, "Latest arrival told to the customer."),
    "specialInstructions": (str, "Instructions for the visit."),
    "unused": (bool, "Whether the appointment is unused."),
    "number": (str, "The number for people."),
    "jobStatus": (JobStatus, "The job's status."),
    "appointmentStatus": (AppointmentStatus, "Status of one of its appointments."),
    "firstAppointmentStartsOnOrAfter": (Instant, "First appointment at or after this time."),
    "firstAppointmentStartsBefore": (Instant, "First appointment before this time."),
    "appointmentStartsOnOrAfter": (Instant, "An appointment at or after this time."),
    "appointmentStartsBefore": (Instant, "An appointment before this time."),
    "startsOnOrAfter": (Instant, "Starts at or after this time."),
    "startsBefore": (Instant, "Starts before this time."),
    "completedOnOrAfter": (Instant, "Completed at or after this time."),
    "completedBefore": (Instant, "Completed before this time."),
    "targetCompletionDateBefore": (Instant, "To be completed before this time."),
    "targetCompletionDateOnOrAfter": (Instant, "To be completed at or after this time."),
    "soldById": (Id, "Who sold it."),
    "createdFromEstimateId": (Id, "The estimate it was made from."),
    "estimateIds": (Ids, "The estimates."),
    "equipmentIds": (Ids, "The equipment."),
    "hasUnusedAppointments": (bool, "Whether it has unused appointments."),
    "jobGeneratedLeadSource": (models.JobGeneratedLeadSource, "What the job came from."),
    "shouldUpdateInvoiceItems": (bool, "Whether lines of the job's invoice get the new business unit."),
    "customerPo": (str, "The customer's purchase order number."),
    "isAutoDispatched": (bool, "Whether it is dispatched by itself."),
    "summaryOfWork": (str, "What was done."),
    "noCharge": (bool, "A job without charge."),
    "projectTypeId": (Id, "The project type."),
    "projectManagerIds": (Ids, "The project's managers."),
    "businessUnitIds": (Ids, "The business units."),
    "statusId": (Id, "The project status."),
    "subStatusId": (Id, "The project sub-status."),
    "startDate": (Instant, "Start of the project."),
    "targetCompletionDate": (Instant, "When it is to be completed."),
    "actualCompletionDate": (Instant, "When it was completed."),
    # equipment
    "equipmentTypeId": (Id, "The equipment type."),
    "installedOn": (Instant, "When it was installed."),
    "actualReplacementDate": (Instant, "When it was replaced."),
    "manufacturedOn": (Instant, "When it was made."),
    "serialNumber": (str, "Serial number: what finds the equipment again."),
    "barcodeId": (str, "The code on its label."),
    "manufacturer": (str, "Manufacturer."),
    "model": (str, "Model."),
    "cost": (Number, "Cost in dollars."),
    "manufacturerWarrantyStart": (Instant, "Start of the manufacturer's warranty."),
    "manufacturerWarrantyEnd": (Instant, "End of the manufacturer's warranty."),
    "serviceProviderWarrantyStart": (Instant, "Start of the service provider's warranty."),
    "serviceProviderWarrantyEnd": (Instant, "End of the service provider's warranty."),
    "attachments": (list[models.EquipmentAttachment], "Uploaded files and links."),
    "path": (Annotated[str, Field(min_length=1)], "The path that the upload answered."),
    # accounting
    "adjustmentToId": (Id, "The invoice that is adjusted."),
    "typeId": (Id, "The type: of an invoice, or of a payment."),
    "invoicedOn": (Instant, "Date of the invoice."),
    "dueDate": (Instant, "When it is due."),
    "subtotal": (Number, "Subtotal in dollars."),
    "tax": (Number, "Tax in dollars."),
    "royaltyStatus": (RoyaltyStatus, "Status of the royalty."),
    "royaltyDate": (Instant, "Date of the royalty."),
    "royaltySentOn": (Instant, "When the royalty was sent."),
    "royaltyMemo": (str, "A note about the royalty."),
    "exportId": (str, "The id it was exported under."),
    "reviewStatus": (ReviewStatus, "Status of the review."),
    "reviewStatuses": (list[ReviewStatus], "Statuses of the review."),
    "assignedToId": (Id, "The user it is assigned to."),
    "assignedToIds": (Ids, "The users it is assigned to."),
    "budgetCodeId": (Id, "The budget code."),
    "items": (list[models.InvoiceItem], "The lines."),
    "payments": (list[models.InvoicePayment], "How its payments were settled."),
    "activeState": (Active, "Active ones, inactive ones or both."),
    "batchId": (Id, "The batch."),
    "batchNumber": (int, "The batch's number."),
    "jobNumber": (str, "The job's number."),
    "invoicedOnOrAfter": (Instant, "Invoiced at or after this time."),
    "invoicedOnBefore": (Instant, "Invoiced before this time."),
    "dueDateBefore": (Instant, "Due before this time."),
    "dueDateOnOrAfter": (Instant, "Due at or after this time."),
    "totalGreater": (Number, "Total over this amount in dollars."),
    "totalLess": (Number, "Total under this amount in dollars."),
    "customField.Fields": (dict[str, str], "Values that the tenant's own fields must have."),
    "operations": (Annotated[list[models.FieldOperation], Field(min_length=1)], "Records and their new values."),
    "splits": (Annotated[list[models.Split], Field(min_length=1)], "Which invoice gets how much."),
    "paidOn": (Instant, "When it was paid."),
    "paidOnAfter": (Instant, "Paid after this time."),
    "paidOnBefore": (Instant, "Paid before this time."),
    "authCode": (str, "The authorization code."),
    "checkNumber": (str, "The cheque's number."),
    "transactionStatus": (PaymentStatus, "Status of the transaction."),
    "transactionType": (str, "Kind of transaction."),
    "appliedToInvoiceIds": (Ids, "Payments of these invoices."),
    "appliedToReferenceNumber": (str, "Payments of the invoice of this number."),
    "depositIds": (Ids, "The deposits."),
    # technicians
    "accountCreationMethod": (AccountCreationMethod, "How the technician gets an account."),
    "roleId": (Id, "The user role, one of `list_user_roles`."),
    "positions": (Annotated[list[Position], Field(min_length=1)], "What the technician does."),
    "licenseType": (LicenseType, "The licence."),
    "phoneNumber": (str, "Phone number."),
    "email": (str, "E-mail address."),
    "login": (str, "User name."),
    "password": (str, "Password; `SendInvite` needs none, and does not leave one in the history of runs."),
    "accountLocked": (bool, "Whether the account is locked."),
    "aadUserId": (str, "The user's id in the company's directory."),
    "team": (str, "The team's name."),
    "dailyGoal": (Number, "Revenue goal of a day in dollars."),
    "burdenRate": (Number, "Burden rate in dollars an hour."),
    "bio": (str, "Biography."),
    "jobFilter": (JobFilter, "Which coming appointments are shown."),
    "jobHistoryDateFilter": (JobHistoryDateFilter, "Which past appointments are shown."),
    "home": (models.Home, "Home address."),
    # filters by activity
    "active": (Active, "Active ones, inactive ones or both; by default active ones."),
}

REPEATED = frozenset({"statuses", "reviewStatuses", "assignedToIds"})
"""Lists that the vendor's descriptions give as arrays: the name is repeated. All others are joined by commas."""


def takes(title: str, line: str, meaning: Mapping[str, Spec] | None = None) -> type[Inputs]:
    """The inputs of an operation: a line of names; ``meaning`` is of names that mean something else there."""
    return make_inputs(title, line, FIELDS | dict(meaning or {}))
