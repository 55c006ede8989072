"""JobCloser's 36 operations, from its API page."""

from __future__ import annotations

from hooks.vendors.jobcloser import vendor
from hooks.vendors.jobcloser.sandbox import COMPANY_ID, EMAIL, KEY, PASSWORD, sandbox
from tests.vendors.documents.account import Account, Document, Row

CONTACT = {"Name": "Maya Ortiz", "Email": "maya@example.org", "Phone": "303-555-0142", "JobCity": "Golden"}
MEASURED = {
    "EventId": "e1",
    "JobId": "j1",
    "Latitude": "33.5",
    "Longitude": "-86.8",
    "MeterSerialNumber": "AF1",
    "MeterRawCount": 2,
    "MeterCurrentRate": 4,
    "MeterCalculatedFlowTotal": 5,
    "MeterRawCountsToZero": 0,
    "TemperatureOfFluid": 76.8,
    "AmbientTemperature": 71.55,
    "BatteryStatusInPercent": 86,
    "BatteryStatusInEstimatedRunTime": 1350,
}
APPLICATION = {
    **MEASURED,
    "ApplicationDate": "2026-05-02T10:16:42-05:00",
    "Note": "n",
    "DeviceName": "d",
    "CalibrationFactor": 1.5,
}
IMAGE = {"name": "a.png", "content_type": "image/png", "content_base64": "iVBORw=="}
CHEMICALS = "/api/chemicalapplicationlocations"
OF_COMPANY = {"companyId": COMPANY_ID}

TABLE: dict[str, Row] = {
    "sign_in": ("GET", "/api/account/signin", {}),
    "get_account": ("GET", "/api/account/get", {"id": "account1"}),
    "get_company": ("GET", "/api/companies/get", {"id": "companies1"}),
    "list_jobs": ("GET", "/api/jobs/getall", {**OF_COMPANY, "date": "2026-05-06", "status": "Open"}),
    "get_job": ("GET", "/api/jobs/get", {"id": "jobs1"}),
    "list_job_line_items": ("GET", "/api/jobs/getlineitems", {"jobId": "jobs1"}),
    "list_customers": ("GET", "/api/customers/getall", {**OF_COMPANY, "archived": False}),
    "get_customer": ("GET", "/api/customers/get", {"id": "customers1"}),
    "list_events": ("GET", "/api/events/getall", {"jobId": "jobs1"}),
    "get_event": ("GET", "/api/events/get", {"id": "events1"}),
    "list_products": ("GET", "/api/products/getall", OF_COMPANY),
    "get_product": ("GET", "/api/products/get", {"id": "products1"}),
    "list_job_products": ("GET", "/api/products/getforjob", {"jobId": "jobs1"}),
    "list_chemical_applications": ("GET", f"{CHEMICALS}/getall", {"jobId": "jobs1"}),
    "get_chemical_application": ("GET", f"{CHEMICALS}/get", {"id": "$application"}),
    "create_chemical_application": ("POST", f"{CHEMICALS}/create", APPLICATION),
    "create_chemical_applications": ("POST", f"{CHEMICALS}/createbatch", {"items": [APPLICATION, APPLICATION]}),
    "update_chemical_application": ("PUT", f"{CHEMICALS}/create", {"Id": "$application", **MEASURED}),
    "delete_chemical_application": ("GET", f"{CHEMICALS}/delete", {"id": "$application"}),
    "upload_chemical_image_via_url": (
        "GET",
        f"{CHEMICALS}/uploadimageviaurl",
        {"eventId": "e1", "url": "https://images.example.org/a.png", "caption": "A & B"},
    ),
    "upload_chemical_image_via_byte_array": (
        "POST",
        f"{CHEMICALS}/uploadimageviabytearray",
        {"eventId": "e1", "content": IMAGE},
    ),
    "list_crews": ("GET", "/api/crews/getall", OF_COMPANY),
    "get_crew": ("GET", "/api/crews/get", {"id": "crews1"}),
    "list_employees": ("GET", "/api/employees/getall", OF_COMPANY),
    "get_employee": ("GET", "/api/employees/get", {"id": "employees1"}),
    "list_invoices": ("GET", "/api/invoices/getall", {**OF_COMPANY, "start": "2026-05-01", "subStatus": "Late"}),
    "get_invoice": ("GET", "/api/invoices/get", {"id": "invoices1"}),
    "list_locations": ("GET", "/api/locations/getall", OF_COMPANY),
    "get_location": ("GET", "/api/locations/get", {"id": "locations1"}),
    "list_trackable_assets": ("GET", "/api/trackableassets/getall", OF_COMPANY),
    "get_trackable_asset": ("GET", "/api/trackableassets/get", {"id": "trackableassets1"}),
    "list_vendors": ("GET", "/api/vendors/getall", {**OF_COMPANY, "search": "pool"}),
    "get_vendor": ("GET", "/api/vendors/get", {"id": "vendors1"}),
    "zapier_signin": ("GET", "/api/zapier/signin", {}),
    "create_lead": ("POST", "/api/zapier/createlead", CONTACT),
    "create_customer": ("POST", "/api/zapier/createcustomer", CONTACT),
}
OURS: dict[str, Row] = {
    "send_lead": (
        "POST",
        "/api/zapier/createlead",
        {"lead": {"customer": {"first_name": "Maya", "last_name": "Ortiz"}, "lead_source": "Radio"}},
    ),
}


async def prepare(account: Account) -> None:
    """The vendor has no operation that makes these: the sandbox is given them."""
    for area in ("account", "companies", "jobs", "customers", "events", "products", "crews", "employees"):
        account.box.add(area, {"Id": f"{area}1"})
    for area in ("invoices", "locations", "trackableassets", "vendors"):
        account.box.add(area, {"Id": f"{area}1"})
    account.ids["application"] = (await account.do("create_chemical_application", **APPLICATION))["Id"]


JOBCLOSER = Document(
    vendor,
    sandbox,
    {"base_url": "{sandbox}", "key": KEY, "email": EMAIL, "password": PASSWORD},
    TABLE,
    prepare,
    OURS,
)
