"""What JobCloser's operations take, in the vendor's own field names: PascalCase in bodies, camelCase in queries.

Source: the vendor's API page (read 2026-05), which names the fields and whether they are required, and no types.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hooks.kit.operations import File, Inputs, Instant, Number, Spec, make_inputs

FIELDS: dict[str, Spec] = {
    "id": (str, "The record's id."),
    "companyId": (str, "The company's id; by default the connection's `company_id`."),
    "jobId": (str, "The job's id."),
    "eventId": (str, "The id of an event on the calendar."),
    "jobItemId": (str, "The id of a job's line item."),
    "productId": (str, "The product's id."),
    "locationId": (str, "The id of a location (branch)."),
    "crewId": (str, "The crew's id."),
    "salespersonUserId": (str, "The user id of the salesperson."),
    "date": (str, "A date; for events those after it."),
    "start": (str, "First date."),
    "end": (str, "Last date."),
    "search": (str, "Text to search for."),
    "type": (str, "Type, as the company has set it up."),
    "status": (str, "Status, as the company has set it up."),
    "subStatus": (str, "Status within the status."),
    "archived": (bool, "Whether archived records are listed."),
    "url": (
        Annotated[str, Field(pattern=r"^https?://")],
        "Where the vendor fetches the image, such as `https://example.org/a.png`.",
    ),
    "caption": (str, "Caption."),
    "latitude": (str, "Latitude, as text."),
    "longitude": (str, "Longitude, as text."),
    "content": (File, "The image."),
    "fileName": (str, "The image's name; by default the file's."),
    # Leads and customers
    "Name": (Annotated[str, Field(min_length=1)], "Name of the person or company."),
    "Email": (str, "E-mail address."),
    "Phone": (str, "Phone number, in any form."),
    "JobAddress1": (str, "Where the work is: street and house number."),
    "JobAddress2": (str, "Where the work is: unit."),
    "JobCity": (str, "Where the work is: city."),
    "JobState": (str, "Where the work is: state."),
    "JobZip": (str, "Where the work is: ZIP code."),
    "BillingAddress1": (str, "Where bills go: street and house number."),
    "BillingAddress2": (str, "Where bills go: unit."),
    "BillingCity": (str, "Where bills go: city."),
    "BillingState": (str, "Where bills go: state."),
    "BillingZip": (str, "Where bills go: ZIP code."),
    "CustomerType": (str, "Kind of customer, as the company has set it up."),
    "ReferredBy": (str, "Where the person came from."),
    # Chemical applications
    "Id": (str, "The application's id."),
    "EventId": (str, "The event on the calendar."),
    "JobId": (str, "The job."),
    "JobItemId": (str, "The job's line item."),
    "ProductId": (str, "The product."),
    "DateCreated": (Instant, "When the record was made."),
    "CreatedBy": (str, "The user who made it."),
    "ApplicationDate": (Instant, "When it was applied."),
    "Latitude": (str, "Latitude, as text."),
    "Longitude": (str, "Longitude, as text."),
    "MeterSerialNumber": (str, "Serial number of the meter."),
    "MeterRawCount": (int, "The meter's raw count."),
    "MeterCurrentRate": (Number, "The meter's current rate."),
    "MeterCalculatedFlowTotal": (Number, "The flow total that the meter calculated."),
    "MeterRawCountsToZero": (int, "Raw counts to zero."),
    "TemperatureOfFluid": (Number, "Temperature of the fluid."),
    "AmbientTemperature": (Number, "Temperature of the air."),
    "BatteryStatusInPercent": (Number, "Battery in percent."),
    "BatteryStatusInEstimatedRunTime": (Number, "Battery in estimated run time."),
    "Note": (str, "A note."),
    "DeviceName": (str, "Name of the device."),
    "CalibrationFactor": (Number, "The meter's calibration factor."),
}

_MEASURED = (
    "Latitude Longitude MeterSerialNumber MeterRawCount MeterCurrentRate MeterCalculatedFlowTotal MeterRawCountsToZero"
    " TemperatureOfFluid AmbientTemperature BatteryStatusInPercent BatteryStatusInEstimatedRunTime"
)
_MADE_BY = "JobItemId? ProductId? DateCreated? CreatedBy?"

CONTACT = (
    "Name Email? Phone? JobAddress1? JobAddress2? JobCity? JobState? JobZip? BillingAddress1? BillingAddress2?"
    " BillingCity? BillingState? BillingZip? CustomerType? ReferredBy?"
)
APPLICATION = f"EventId JobId ApplicationDate {_MEASURED} Note DeviceName CalibrationFactor {_MADE_BY}"
CHANGED_APPLICATION = f"Id EventId JobId {_MEASURED} {_MADE_BY}"

ChemicalApplication = make_inputs("ChemicalApplication", APPLICATION, FIELDS)


class CreateChemicalApplications(Inputs):
    """Several chemical applications at once."""

    items: list[ChemicalApplication] = Field(min_length=1, description="The applications.")  # type: ignore[valid-type] # made by make_inputs
