"""Wrong inputs are refused when the rules are loaded, for every vendor that is written to: with line, mark and hint."""

from __future__ import annotations

import pytest

from hooks.registry import CATALOGUE
from hooks.rules import RulesInvalid, load_text

CONNECTIONS = """\
  homebase360: {vendor: homebase360, api_key: "${secret.KEY}"}
  housecall_pro: {vendor: housecall_pro, api_key: "${secret.KEY}"}
  jobcloser: {vendor: jobcloser, key: "${secret.KEY}"}
  servicetitan:
    {vendor: servicetitan, tenant: 5, app_key: "${secret.KEY}", client_id: "${secret.KEY}",
     client_secret: "${secret.KEY}", booking_provider: 9}
  supergood: {vendor: supergood, base_url: "http://127.0.0.1:1", username: office, password: "${secret.KEY}"}
  http: {vendor: http, base_url: "http://127.0.0.1:1"}
  zapier: {vendor: zapier, hook_url: "https://hooks.zapier.com/hooks/catch/1/${secret.KEY}"}
"""
HEAD = f"""\
version: 1
sources:
  any: {{vendor: webhook, unverified: a test, type: "${{raw.event}}"}}
connections:
{CONNECTIONS}rules:
  - id: one
    event: push
    do:
"""
VISIT = "customerId: c\nstart: 2026-05-06T17:30:00Z\nend: 2026-05-06T19:30:00Z\n"
TITAN_JOB = "customerId: 1\nlocationId: 2\nbusinessUnitId: 3\njobTypeId: 4\npriority: Normal\ncampaignId: 5\n"
BOOKING = "source: Web\nname: Maya\nsummary: AC\nisFirstTimeClient: true\nexternalId: e\n"
HCP_JOB = "customer_id: c\naddress_id: a\n"


def found(text: str) -> list[str]:
    """``line of the inputs | what is marked | message | hint`` of each finding; line 0 is that of ``with:``."""
    try:
        findings = load_text(text, CATALOGUE, {"KEY": "a-secret-of-a-test-0123456789"}.get).warnings
    except RulesInvalid as invalid:
        findings = invalid.findings
    start = text[: text.index("        with:")].count("\n") + 1
    return [
        f"{one.line - start} | {one.source[one.column - 1 :][: one.length]} | {one.message} | {one.hint}"
        for one in findings
    ]


def step(action: str, inputs: str) -> str:
    lines = "".join(f"          {line}\n" for line in inputs.strip().split("\n"))
    return f"{HEAD}      - action: {action}\n        with:\n{lines}"


# action, inputs, what is found
MISSING = [
    (
        "housecall_pro.create_job",
        "customer_id: c",
        "0 | with | 'address_id' is missing | The address's id.",
    ),
    (
        "servicetitan.create_job",
        TITAN_JOB + "appointments: [{start: 2026-05-06T17:30:00Z}]",
        "7 | {start: 2026-05-06T17:30:00Z} | 'end' is missing | Planned end.",
    ),
    (
        "jobcloser.create_lead",
        "Email: maya@example.org",
        "0 | with | 'Name' is missing | Name of the person or company.",
    ),
    (
        "homebase360.create_job",
        VISIT.replace("end: 2026-05-06T19:30:00Z\n", "lineItems: [{name: a, quantity: 1, unitPrice: '1.00'}]"),
        "0 | with | 'end' is missing | When it ends, after the start.",
    ),
    ("supergood.create_job", "customerId: c", "0 | with | 'service' is missing | What is to be done."),
]
WORDS = [
    (
        "housecall_pro.create_job_line_item",
        "job_id: j\nname: x\nkind: labour",
        "3 | labour | 'labour' is not allowed here | did you mean 'labor'?",
    ),
    (
        "housecall_pro.list_jobs",
        "work_status: [done]",
        "1 | done | 'done' is not allowed here | "
        "one of: 'unscheduled', 'scheduled', 'in_progress', 'completed' or 'canceled'",
    ),
    (
        "servicetitan.create_customer_contact",
        "id: 5\ntype: email\nvalue: maya@example.org",
        "2 | email | 'email' is not allowed here | did you mean 'Email'?",
    ),
    (
        "supergood.record_payment",
        "invoiceId: i\namount: 18900\nmethod: cheque",
        "3 | cheque | 'cheque' is not allowed here | one of: 'card', 'cash', 'check', 'ach' or 'ACH'",
    ),
    ("http.request", "method: FETCH", "1 | FETCH | 'FETCH' is not allowed here | did you mean 'PATCH'?"),
]
NAMES = [
    ("housecall_pro.create_job", HCP_JOB + "line_item: []", "3 | line_item | unknown key | did you mean 'line_items'?"),
    ("servicetitan.list_jobs", "fetch_al: true", "1 | fetch_al | unknown key | did you mean 'fetch_all'?"),
    ("jobcloser.create_lead", "Name: Maya\nPhne: x", "2 | Phne | unknown key | did you mean 'Phone'?"),
    (
        "homebase360.create_job",
        VISIT + "lineItems: [{name: a, quantity: 1, unitPrice: '1.00', taxrate: {}}]",
        "4 | taxrate | unknown key | did you mean 'taxRate'?",
    ),
    (
        "supergood.create_job",
        "service: x\nemployeIds: []",
        "2 | employeIds | unknown key | did you mean 'employeeIds'?",
    ),
    ("http.request", "methd: GET", "1 | methd | unknown key | did you mean 'method'?"),
]
NUMBERS = [
    (
        "housecall_pro.create_job",
        HCP_JOB + "line_items: [{name: x, unit_price: '90'}]",
        "3 | '90' | 'line_items[0].unit_price' needs a whole number, this is text | write the number without quotes",
    ),
    (
        "servicetitan.create_job",
        TITAN_JOB.replace("4", "four") + "appointments: [{start: 2026-05-06T17:30:00Z, end: 2026-05-06T19:30:00Z}]",
        "4 | four | 'jobTypeId' needs a whole number, this is text | The job type.",
    ),
    (
        "jobcloser.create_chemical_applications",
        "items: [{MeterRawCount: '2'}]",
        "1 | '2' | 'items[0].MeterRawCount' needs a whole number, this is text | write the number without quotes",
    ),
    (
        "homebase360.create_job",
        VISIT + "lineItems: [{name: a, quantity: one, unitPrice: '1.00'}]",
        "4 | one | 'lineItems[0].quantity' needs a number, this is text | Quantity.",
    ),
    (
        "supergood.record_payment",
        "invoiceId: i\namount: '189.00'\nmethod: card",
        "2 | '189.00' | 'amount' needs a whole number, this is text | write the number without quotes",
    ),
    (
        "http.request",
        "success: ['404']",
        "1 | '404' | 'success[0]' needs a whole number, this is text | write the number without quotes",
    ),
]
FORMS = [
    (
        "homebase360.create_customer",
        "firstName: Maya\nphone: {mobile: 303-555-0142}",
        "2 | 303-555-0142 | this does not have the form that belongs here | "
        "Mobile number, such as `+13035550142`; the one that customers are searched by.",
    ),
    (
        "homebase360.create_job",
        VISIT.replace("19:30", "16:30") + "lineItems: [{name: a, quantity: 1, unitPrice: '1.00'}]",
        "0 | with | end must be after start | `hooks vendors homebase360.create_job` shows what each input takes",
    ),
    (
        "homebase360.create_customer",
        "firstName: Maya\nemail: maya@example.org",
        "2 | maya@example.org | 'email' needs a list, this is text | [...] around it makes a list",
    ),
    ("jobcloser.create_lead", "Name: ''", "1 | '' | this is empty | Name of the person or company."),
    (
        "jobcloser.upload_chemical_image_via_url",
        "eventId: e\nurl: a.png",
        "2 | a.png | this does not have the form that belongs here | "
        "Where the vendor fetches the image, such as `https://example.org/a.png`.",
    ),
    (
        "servicetitan.list_jobs",
        "custom_query: [novalue]",
        "1 | novalue | this does not have the form that belongs here | "
        "Further query parameters: a mapping, or a list of `key=value`.",
    ),
    (
        "servicetitan.create_customer",
        "name: Maya\nlocations: []\naddress: {street: a, city: b, state: CO, zip: 80401, country: US}",
        "3 | 80401 | 'address.zip' needs text, this is a number | put it in quotes",
    ),
    ("housecall_pro.list_jobs", "page: 0", "1 | 0 | at least 1 belongs here | Page, from 1."),
    (
        "housecall_pro.add_job_attachment",
        "job_id: j\nfile: {name: a.png, content_base64: '?'}",
        "2 | '?' | only base64 data is allowed | Its content in base64.",
    ),
]


# what an event holds and what an action takes, under an event whose form is known
_PLACE = "it takes 'city', 'country', 'state', 'street', 'unit' and 'zip'"
_ENTRIES = "map(..., {'name': .name}) makes other entries of these"
BELOW = [
    (
        "servicetitan.create_booking",
        BOOKING + "address: ${data.address}",
        f"6 | ${{data.address}} | 'address' takes no 'id', 'one_line', 'street_line_2' or 'type', which this has | "
        f"{{$merge: ...}} leaves out what it does not take; {_PLACE}",
    ),
    (
        "servicetitan.create_booking",
        BOOKING + "address: ${data.address ?? data.customer.address}",
        "6 | ${data.address ?? data.customer.address} | "
        "'address' takes no 'id', 'one_line', 'street_line_2' or 'type', which this has | "
        f"{{$merge: ...}} leaves out what it does not take; {_PLACE}",
    ),
    (
        "homebase360.create_job",
        VISIT + "lineItems: ${data.line_items}",
        "4 | ${data.line_items} | 'lineItems[]' needs 'unitPrice', which this does not have | "
        f"{_ENTRIES}: it takes 'description', 'name', 'quantity', 'taxRate' and 'unitPrice'",
    ),
    (
        "servicetitan.update_job",
        "id: 5\ntagTypeIds: ${data.tags}",
        "2 | ${data.tags} | 'tagTypeIds[]' needs a whole number, this is text | map(...) makes other entries of these",
    ),
    (
        "homebase360.update_customer",
        "customerId: c\naddress: ${data.customer.addresses}",
        "2 | ${data.customer.addresses} | 'address[]' needs text, this is an object | "
        "map(...) makes other entries of these",
    ),
    (
        "homebase360.update_customer",
        "customerId: c\nphone: ${data.customer.phones}",
        "2 | ${data.customer.phones} | 'phone.additional' needs text, this is a list: it fails when that is there | ",
    ),
]
FITTING = [
    ("servicetitan.create_booking", BOOKING + "address: {$merge: '${data.address}', country: US}"),
    ("servicetitan.book_lead", "lead: ${data}"),
    ("homebase360.upsert_customer", "customer: ${data.customer}"),
    ("homebase360.update_customer", "customerId: c\nemail: ${data.customer.emails}\ntags: ${data.tags}"),
    ("homebase360.update_customer", "customerId: c\naddress: ${map(data.customer.addresses, .one_line)}"),
    ("homebase360.create_job", VISIT + "lineItems: ${raw.job.line_items}"),
    ("http.request", "path: /x\njson: ${data}\nquery: {tags: '${data.tags}'}"),
    ("zapier.send", "data: ${data}"),
]


def _of_a_known_form(text: str) -> str:
    sender = 'vendor: webhook, unverified: a test, type: "${raw.event}"'
    known = 'vendor: housecall_pro, signing_secret: "${secret.KEY}"'
    return text.replace(sender, known).replace("event: push", "event: job.completed")


@pytest.mark.parametrize(("action", "inputs", "told"), BELOW)
def test_what_an_event_holds_is_refused_where_an_action_takes_it_in_another_form(
    action: str, inputs: str, told: str
) -> None:
    assert told in found(_of_a_known_form(step(action, inputs)))


@pytest.mark.parametrize(("action", "inputs"), FITTING)
def test_what_fits_is_taken(action: str, inputs: str) -> None:
    assert [] == found(_of_a_known_form(step(action, inputs)))


@pytest.mark.parametrize(("action", "inputs", "told"), [*MISSING, *WORDS, *NUMBERS, *FORMS])
def test_wrong_inputs_are_refused_at_load_with_line_and_hint(action: str, inputs: str, told: str) -> None:
    assert told in found(step(action, inputs))


@pytest.mark.parametrize(("action", "inputs", "told"), NAMES)
def test_a_misspelt_field_is_refused_with_the_one_that_was_meant(action: str, inputs: str, told: str) -> None:
    line, key, message, hint = told.split(" | ")
    assert f"{line} | {key} | {message} '{key}' | {hint}" in found(step(action, inputs))


def test_a_sender_that_names_its_events_itself_is_not_doubted() -> None:
    assert [] == found(step("http.request", "path: /x"))
