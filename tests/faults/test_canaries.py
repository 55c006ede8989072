"""Secrets planted wherever they can come from are found nowhere: in no database, log, answer or metric."""

from __future__ import annotations

import base64
from urllib.parse import quote

from tests.faults.conftest import Tell
from tests.faults.processes import ProcessWorld
from tests.faults.table import Row
from tests.journeys.world import ADMIN_TOKEN, HOMEBASE, JOBCLOSER, SECRETS, SOURCES, TITAN

CANARIES = {
    "HCP_SIGNING_SECRET": "canary-signing-secret-1f0c",
    "LEADS_KEY": "canary-leads-key-77aa+/9",
    "OFFICE_TOKEN": "canary-office-token-5b5b",
    "OFFICE_HEADER": "canary-office-header-9e9e",
}
RULES = (
    SOURCES
    + "connections:\n"
    + HOMEBASE
    + TITAN
    + JOBCLOSER
    + """\
  office: {vendor: http, base_url: SANDBOX/http, auth: {scheme: bearer, token: "${secret.OFFICE_TOKEN}"}}
rules:
  - id: everything
    event: "*"
    retry: {attempts: 2, first_wait: 50ms, backoff: fixed}
    do:
      - action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
      - action: servicetitan.create_booking
        with:
          source: Web
          name: ${data.customer.display_name}
          summary: AC
          isFirstTimeClient: true
          externalId: ${id}
      - action: jobcloser.create_lead
        with: {Name: "${data.customer.display_name}"}
      - action: http.request
        with: {method: POST, path: /notes, headers: {X-Extra: "${secret.OFFICE_HEADER}"}, json: {a: 1}}
"""
)


def _forms(secret: str) -> list[bytes]:
    """The forms in which a secret may have slipped out."""
    plain = secret.encode()
    return [plain, base64.b64encode(plain), quote(secret, safe="").encode(), plain.hex().encode()]


async def test_no_secret_is_found_anywhere_after_everything_has_been_used(world: ProcessWorld, tell: Tell) -> None:
    secrets = {**SECRETS, **CANARIES}
    world.environment = dict(CANARIES)
    await world.serve(RULES)
    signing, key = CANARIES["HCP_SIGNING_SECRET"], CANARIES["LEADS_KEY"]

    good = await world.hcp({"event": "job.completed", "job": world.some_job()}, secret=signing)
    await world.hcp({"event": "job.completed", "job": world.some_job(note=1)}, secret="not-the-one")
    await world.hcp(b'{"event":', secret=signing)
    await world.lead({"full_name": "Maya Ortiz"}, key=key)
    await world.lead({"full_name": "Maya Ortiz", "key": key, "n": 1}, key=key)
    await world.post(f"/in/leads?key={quote(key)}", b'{"full_name":"Ana Lima"}', {"Content-Type": "application/json"})
    await world.post(
        "/in/leads/api/zapier/createlead",
        f"key={quote(key)}&Name=Lea+Novak".encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    await world.post("/in/leads", f'{{"key":"{key}","broken":'.encode(), {"Content-Type": "application/json"})
    await world.run(good.json()["events"][0])
    await world.quiet()
    for vendor in ("http", "jobcloser", "servicetitan", "homebase360"):  # a refused connection waits: the last first
        world.fault(vendor, kind="status", status=401, count=2)
        refused = await world.lead({"full_name": f"Person for {vendor}", "email": f"{vendor}@example.org"}, key=key)
        await world.run(refused.json()["events"][0], "waiting", "step")
        world.box(vendor).faults.clear()

    shown = [await world.metrics()]
    for listing in ("events", "runs", "receipts", "connections", "sources", "rules", "stats"):
        page = await world.api(listing)
        shown.append(page.text)
        if listing in ("events", "runs", "receipts"):
            shown += [(await world.api(f"{listing}/{item['id']}")).text for item in page.json()["items"]]
    shown.append((await world.api(f"events/{good.json()['events'][0]}/explain")).text)
    files = {path.name: path.read_bytes() for path in world.data.iterdir() if path.name != "admin.token"}
    await world.stop()
    files |= {path.name: path.read_bytes() for path in world.data.iterdir() if path.name != "admin.token"}

    assert len(world.asked("http", "POST", "/notes")) >= 1
    sent = world.asked("http", "POST", "/notes")[0]["headers"]
    assert (f"Bearer {CANARIES['OFFICE_TOKEN']}", CANARIES["OFFICE_HEADER"]) == (sent["authorization"], sent["x-extra"])
    places = {**files, "log": world.said().encode(), "answers": "\n".join(shown).encode()}
    found = [
        (place, name)
        for place, content in places.items()
        for name, secret in {**secrets, "HOOKS_ADMIN_TOKEN": ADMIN_TOKEN}.items()
        for form in _forms(secret)
        if form in content
    ]
    assert [] == found
    assert b"everything" in files["hooks.db"], "the database was really looked at"
    seen = (
        f"{len(secrets) + 1} secrets, in several forms, in none of {len(files)} files, the log and {len(shown)} answers"
    )
    tell(Row("F50 secrets", "canaries in every place that takes one", "0 hits", seen))
