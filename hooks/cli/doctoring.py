"""The checks of `subscriptions doctor`: whether a sender's webhooks can arrive, be believed and be acted on.

Each check ends in a result, what was found, and how to mend it. They go in the order of a webhook's way. What cannot
be found out is said to be skipped, never to be well.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from hooks.addresses import is_loopback
from hooks.cli.connecting import probed
from hooks.cli.output import plain
from hooks.cli.reader import NotFound, Refused, Server
from hooks.cli.signing import PROOFS
from hooks.cli.subscriptions import SENDERS, Needed, Way, listed, needed_events, same_address
from hooks.cli.wire import Unreachable, WireAnswer, call
from hooks.errors import DeliveryError
from hooks.events import new_id, utc_text
from hooks.ports import SELF_TEST_AGENT
from hooks.rules.ruleset import ConnectionConfig, RuleSet, SourceConfig
from hooks.settings import unread

SELF_TEST = "hooks.self_test"
"""The event of the self-test: no vendor sends it, so that only a rule for everything takes it."""

_BODIES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "housecall_pro": lambda: {
        "event": SELF_TEST,
        "event_occurred_at": utc_text(datetime.now(UTC)),
        "company_id": "hooks",
        "hooks": {"id": new_id("evt")},  # new bytes every time: the same ones would be a duplicate
    }
}

Result = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    result: Result
    found: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"check": self.name, "result": self.result, "found": self.found, "mend": self.mend or None}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. ``server`` is None when none runs; ``url`` is the source's address as its sender has it."""

    rules: RuleSet
    source: SourceConfig
    connection: ConnectionConfig | None
    way: Way | None
    server: Server | None
    url: str | None

    @property
    def needed(self) -> list[Needed]:
        return needed_events(self.rules, self.source)


def examine(patient: Patient) -> list[Check]:
    """All checks, in the order of a webhook's way."""
    checks = [_configured(patient), *_environment(), *_running(patient), *_reached(patient)]
    checks += [_events(patient), _subscribed(patient), *_accounts(patient)]
    return checks


# --- the source and the server ---


def _configured(patient: Patient) -> Check:
    source = patient.source
    return Check("source", "ok", f"{source.name} of vendor {source.vendor} takes webhooks at /in/{source.name}")


def _environment() -> Iterator[Check]:
    for sentence in unread():
        yield Check("settings", "warning", sentence, "`hooks config show` has what is in force")


def _running(patient: Patient) -> Iterator[Check]:
    server = patient.server
    if server is None:
        yield Check(
            "server",
            "failed",
            "no server answers for this data folder",
            "start `hooks serve`, or name its folder with --data",
        )
        return
    try:
        known = {item["name"]: item for item in server.ask("GET", "/api/v1/sources")["items"]}
    except (Refused, Unreachable) as error:
        yield Check("server", "failed", str(error), "name the server's own folder with --data")
        return
    if patient.source.name not in known:
        yield Check(
            "server",
            "failed",
            f"the running server has no source {patient.source.name}: it works with another file, or an older one",
            "start it with this rules file; if it has it, `hooks rules list` says why it is not in force",
        )
        return
    yield Check("server", "ok", f"running, with the source {patient.source.name}")
    yield _lately(patient, server)
    source = known[patient.source.name]
    if source.get("quiet"):
        sender = SENDERS.get(patient.source.vendor)
        where = sender.page if sender is not None else "the sender's settings"
        last = source["last_received_at"]
        yield Check(
            "silence",
            "warning",
            f"nothing has come for longer than {source['quiet_after']}" + (f", the last at {last}" if last else ""),
            f"look at {where}: is the webhook still there, and switched on?",
        )


def _lately(patient: Patient, server: Server) -> Check:
    """What the newest receipts of the source say about its sender."""
    query = {"source": patient.source.name, "limit": 50}
    items = [one for one in server.ask("GET", "/api/v1/receipts", query)["items"] if not _is_ours(one)]
    if not items:
        sender = SENDERS.get(patient.source.vendor)
        where = sender.page if sender is not None else "the sender's settings"
        return Check(
            "arrivals",
            "warning",
            "nothing has arrived from outside yet",
            f"save the address at {where}: a test should arrive, then real events",
        )
    newest = items[0]
    told = f"the newest of {len(items)} was {newest['verdict']} at {newest['received_at']}"
    if newest["verdict"] not in ("refused", "quarantined"):
        return Check("arrivals", "ok", told)
    # Anybody may knock: it is the sender's fault only when nobody is let in.
    bad = all(one["verdict"] in ("refused", "quarantined") for one in items)
    reason = str(newest["reason"])
    return Check("arrivals", "failed" if bad else "warning", f"{told}: {plain(reason)}", _refusal(reason))


def _is_ours(receipt: Mapping[str, Any]) -> bool:
    headers = receipt.get("headers") or {}
    names = headers if isinstance(headers, dict) else dict(headers)
    return str(names.get("user-agent", "")).startswith(SELF_TEST_AGENT)


def _refusal(reason: str) -> str:
    mends = {
        "stale": "set this machine's clock (NTP), or look for a queue between the sender and here",
        "mismatch": "copy the signing secret again; and let no proxy change bodies",
        "missing": "let the proxy pass all headers; else somebody who is not the sender knocks here",
    }
    return mends.get(reason, "look at it with `hooks receipts show`")


# --- the address ---


def _reached(patient: Patient) -> Iterator[Check]:
    """The address answers a GET, and a signed body that goes in there comes out at the server."""
    url = patient.url
    if url is None:
        if patient.server is None or not patient.server.inbox:
            yield Check("address", "skipped", "no address to try", "give it with --url https://your-host")
            return
        url = f"{patient.server.inbox}/in/{patient.source.name}"
    try:
        answer = call("GET", url, headers={"User-Agent": SELF_TEST_AGENT}, timeout=15)
    except Unreachable as error:
        yield Check(
            "address",
            "failed",
            str(error),
            "check name, port, certificate and proxy: the sender must reach it from the internet",
        )
        return
    fault = _probe_fault(answer, url)
    if fault is not None:
        yield fault
        return
    near = is_loopback(urlsplit(url).hostname or "")
    yield Check(
        "address",
        "warning" if near else "ok",
        f"{url} answers{', and only this machine can reach it' if near else ''}",
        "give the public one with --url https://your-host" if near else "",
    )
    yield _self_test(patient, url)


def _probe_fault(answer: WireAnswer, url: str) -> Check | None:
    if answer.status == 200:
        return None
    mends = {
        404: "the path is not one of a source of this server: it must end in /in/NAME, and the proxy must not cut it",
        502: "the proxy does not reach the server: check its target address and port",
        503: "the server puts senders off: see `hooks healthcheck --detail`",
    }
    redirected = 300 <= answer.status < 400
    mend = "senders do not follow redirects: give the final address" if redirected else mends.get(answer.status, "")
    return Check("address", "failed", f"GET {url} is answered {answer.status}", mend or "see what answers there")


def _self_test(patient: Patient, url: str) -> Check:
    """Send a signed event that no rule takes, and find its receipt."""
    source, server = patient.source, patient.server
    make = _BODIES.get(source.vendor)
    if make is None:
        return Check("self-test", "skipped", f"hooks has no event of {source.vendor} that means nothing")
    takers = [rule.id for rule in patient.rules.candidates(SELF_TEST, source.name) if rule.mode == "live"]
    if takers:
        return Check(
            "self-test",
            "skipped",
            f"nothing was sent: the {'rule' if len(takers) == 1 else 'rules'} {', '.join(takers)} would act on it",
            f'add `type != "{SELF_TEST}"` to `when:` and narrow `event:` of such rules to test the signature',
        )
    body = json.dumps(make(), separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": SELF_TEST_AGENT}
    headers |= PROOFS[source.vendor](source.settings, body, time.time())
    try:
        answer = call("POST", url, headers=headers, body=body, timeout=15)
    except Unreachable as error:
        return Check("self-test", "failed", str(error), "the address answers GET and not POST: check the proxy")
    document = answer.json()
    receipt = document.get("receipt") if isinstance(document, dict) else None
    is_receipt = isinstance(receipt, str) and receipt.isascii() and receipt.replace("_", "").isalnum()
    if answer.status == 401 or (200 <= answer.status < 300 and not is_receipt):
        return Check(
            "self-test",
            "failed",
            f"a body signed with the secret of {source.name} was not believed (answered {answer.status})",
            "the server has another secret, or a proxy changes bodies or headers: start it with this secret and file",
        )
    if not 200 <= answer.status < 300:
        return Check("self-test", "failed", f"answered {answer.status}", "see the server's log at this time")
    return _found_again(server, source.name, str(receipt))


def _found_again(server: Server | None, source: str, receipt: str) -> Check:
    try:
        if server is None:
            raise Refused("no server answers here")
        kept = server.ask("GET", f"/api/v1/receipts/{receipt}")
    except NotFound:
        return Check(
            "self-test",
            "failed",
            "it was accepted, but not by the server of this data folder",
            "the address leads to another server: check the proxy's target, or name the right folder with --data",
        )
    except (Refused, Unreachable) as error:
        return Check("self-test", "warning", f"accepted as {plain(receipt)}; it cannot be looked up: {error}")
    if (kept["verdict"], kept["source"]) != ("accepted", source):
        return Check(
            "self-test",
            "failed",
            f"it arrived at the source {kept['source']} and was {kept['verdict']}",
            f"the address must lead to /in/{source}: look at its path, and at what the proxy makes of it",
        )
    return Check("self-test", "ok", f"signed, accepted and stored as {receipt}")


# --- the subscription ---


def _events(patient: Patient) -> Check:
    needed = patient.needed
    if not needed:
        return Check(
            "events",
            "warning",
            f"no enabled rule takes anything from {patient.source.name}",
            "write a rule, or enable one: until then events are only stored",
        )
    return Check("events", "ok", f"the rules need {len(needed)}: {', '.join(one.on_page for one in needed)}")


def _subscribed(patient: Patient) -> Check:
    sender = SENDERS.get(patient.source.vendor)
    if sender is None:
        return Check("subscription", "skipped", f"{patient.source.vendor} has no API to ask")
    by_hand = f"look at {sender.page}: the address must stand there once, with the events above ticked"
    way, connection = patient.way, patient.connection
    if way is None or connection is None or way.list is None:
        return Check("subscription", "skipped", "the vendor has no list of subscriptions to ask for", by_hand)
    try:
        found = asyncio.run(listed(connection, way))
    except DeliveryError as error:
        if error.status in (404, 405):
            return Check("subscription", "skipped", f"the vendor has no such list ({error.message})", by_hand)
        return Check("subscription", "failed", error.message, f"see `hooks connections test {connection.name}`")
    if patient.url is None:
        return Check("subscription", "skipped", f"{len(found)} there", "give the address with --url to compare")
    ours = [one for one in found if same_address(one.get("url"), patient.url)]
    create = f"hooks subscriptions create --connection {connection.name} --api webhooks --url {patient.url}"
    if not ours:
        others = ", ".join(str(one.get("url")) for one in found) or "nothing"
        return Check("subscription", "failed", f"{patient.url} is not there; there is {plain(others)}", f"`{create}`")
    if len(ours) > 1:
        ids = ", ".join(str(one.get("id")) for one in ours[1:])
        return Check(
            "subscription",
            "failed",
            f"it is there {len(ours)} times: every event would be sent as often",
            f"`hooks subscriptions delete --connection {connection.name} --api webhooks --id ...` for {plain(ids)}",
        )
    there = ours[0].get("events")
    missing = [one.event for one in patient.needed if isinstance(there, list) and there and one.event not in there]
    if missing:
        return Check("subscription", "failed", f"it lacks {', '.join(missing)}", f"delete it, then `{create}`")
    return Check("subscription", "ok", "it is there once, for all events that the rules need")


# --- the accounts that the rules act in ---


def _accounts(patient: Patient) -> Iterator[Check]:
    rules, source = patient.rules, patient.source.name
    taking = [rule for rule in rules.rules if rule.enabled and (not rule.sources or source in rule.sources)]
    steps = [step for rule in taking for step in rule.all_steps]
    names = dict.fromkeys(step.connection for step in steps if step.connection in rules.connections)
    if patient.connection is not None:
        names[patient.connection.name] = None
    for one in asyncio.run(probed(rules, list(names))):
        found = f"{one.asked or one.base_url}: {one.problem}" if one.problem else f"{one.asked} in {one.duration_ms} ms"
        check = Check(f"connection {one.connection}", one.result, found, one.mend)
        paused = rules.connections[one.connection].settings.paused
        yield replace(check, found=f"{found} (paused: its runs are held)") if paused else check
