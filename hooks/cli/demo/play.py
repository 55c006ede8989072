"""The demo: play the morning, show what becomes of it, and check at the vendors' own records that nothing was lost or
doubled."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any

from hooks.cli.demo.senders import Delivery, LostAnswer, Outage, Scene
from hooks.cli.demo.stage import Stage
from hooks.cli.demo.telling import Teller
from hooks.cli.reader import Server
from hooks.cli.signing import housecall_pro, shared_key
from hooks.cli.wire import WireAnswer, call
from hooks.whereabouts import TOKEN_FILE

_PACE_SECONDS = 0.3
_SETTLE_SECONDS = 45.0
_POLL_SECONDS = 0.05
_OUTAGE_POLLS = 200
_KINDS = {
    "Homebase360 customers": ("homebase360", "customers"),
    "Homebase360 jobs": ("homebase360", "jobs"),
    "JobCloser customers": ("jobcloser", "customers"),
    "JobCloser leads": ("jobcloser", "leads"),
    "ServiceTitan bookings": ("servicetitan", "bookings"),
    "office notes": ("http", "requests"),
}
_ENDED = ("done", "failed", "held", "skipped")


async def play(*, keep: bool = False, speed: float = 1.0, scenes: Sequence[Scene] | None = None) -> bool:
    """Play the scenes (by default the whole morning) and give whether everything was found as they say."""
    from hooks.cli.demo.morning import morning

    teller = Teller()
    if scenes is None:
        scenes = list(morning(datetime.now(UTC)))
    began = time.monotonic()
    with as_file(files("hooks.cli.demo") / "demo.yaml") as rules:
        teller.say("Starting a server and stand-ins for the vendors. Nothing leaves this machine.", "bold")
        async with Stage(rules) as stage:
            deliveries = [scene for scene in scenes if isinstance(scene, Delivery)]
            watch = _Watch(stage.server, teller, sum(one.runs + one.skipped for one in deliveries))
            troubles = _Troubles(stage, teller)
            wrong: list[str] = []
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch.run())
                for scene in scenes:
                    wrong += await _play_scene(scene, stage, troubles, teller)
                    await asyncio.sleep(_PACE_SECONDS / speed)
                await watch.settled()
                watching.cancel()
            good = await _audit(deliveries, stage, troubles.caused, watch, teller) and not wrong
            for sentence in wrong:
                teller.say(sentence, "bold red")
            seconds = time.monotonic() - began
            teller.say(
                f"\nNothing lost, nothing doubled, in {seconds:.0f} s."
                if good
                else f"\nSomething is not as it must be, after {seconds:.0f} s: please report it.",
                "bold green" if good else "bold red",
            )
            if keep:
                await _leave_open(stage, troubles, teller)
                await _stay(stage, teller)
    return good


async def _play_scene(scene: Scene, stage: Stage, troubles: _Troubles, teller: Teller) -> list[str]:
    """Do what the scene says and give what went otherwise than it says."""
    if not isinstance(scene, Delivery):
        await troubles.happen(scene)
        return []
    answer, milliseconds = await asyncio.to_thread(_send, scene, stage)
    teller.answered(scene, answer.status, _verdict(answer), milliseconds)
    if (answer.status, _verdict(answer)) == (scene.status, scene.verdict):
        return []
    return [f"{scene.source} {scene.kind}: expected {scene.status} {scene.verdict}, got {answer.status}"]


def _send(scene: Delivery, stage: Stage) -> tuple[WireAnswer, float]:
    name = {"summit": "SUMMIT_SIGNING_SECRET", "harbor": "HARBOR_SIGNING_SECRET"}.get(
        scene.source, f"{scene.source.upper()}_KEY"
    )
    secret = stage.secrets[name]
    headers = {"Content-Type": scene.content_type}
    if scene.signed == "wrong":
        secret = secret[::-1]
    if scene.signed != "no":
        signs = name.endswith("SIGNING_SECRET")
        headers |= housecall_pro(secret, scene.body, time.time()) if signs else shared_key(secret)
    began = time.perf_counter()
    answer = call("POST", f"{stage.server.inbox}/in/{scene.source}{scene.path}", headers=headers, body=scene.body)
    return answer, (time.perf_counter() - began) * 1000


def _verdict(answer: WireAnswer) -> str:
    """What the sender can tell from the answer."""
    document = answer.json()
    if answer.status == 401:
        return "refused"
    if isinstance(document, dict) and document.get("duplicate"):
        return "duplicate"
    if isinstance(document, dict) and (document.get("events") or document.get("Success")):
        return "accepted"
    return "ping" if answer.status == 200 else "?"


class _Troubles:
    """What goes wrong at the vendors, on purpose. ``caused`` counts the calls that met it."""

    def __init__(self, stage: Stage, teller: Teller) -> None:
        self._stage = stage
        self._teller = teller
        self.caused = 0

    async def happen(self, scene: Outage | LostAnswer) -> None:
        """Let it begin or end. An outage ends only after it has met a call."""
        if isinstance(scene, LostAnswer):
            self._teller.say(f"  {scene.vendor} will act on the next call, and its answer will be lost", "bold yellow")
            lost = {"kind": "cut_after", "path": scene.path, "method": "POST"}
            await self._stage.sandbox("POST", scene.vendor, "faults", lost)
            self.caused += 1
        elif scene.begins:
            self._teller.say(f"  {scene.vendor} goes down", "bold yellow")
            down = {"kind": "status", "status": 503, "count": scene.calls}
            await self._stage.sandbox("POST", scene.vendor, "faults", down)
            self.caused += scene.calls
        else:
            for _ in range(_OUTAGE_POLLS):
                if not await self._stage.sandbox("GET", scene.vendor, "faults"):
                    break
                await asyncio.sleep(_POLL_SECONDS)
            self._teller.say(f"  {scene.vendor} is back", "bold yellow")


class _Watch:
    """Asks the server which runs have ended, and tells each once."""

    def __init__(self, server: Server, teller: Teller, expected: int) -> None:
        self._server = server
        self._teller = teller
        self._expected = expected
        self._all_ended = asyncio.Event()
        self.runs: dict[str, Mapping[str, Any]] = {}

    async def run(self) -> None:
        while True:
            listing = await asyncio.to_thread(self._server.ask, "GET", "/api/v1/runs", {"limit": 200})
            for item in reversed(listing["items"]):
                if item["state"] in _ENDED and item["id"] not in self.runs:
                    run = await asyncio.to_thread(self._server.ask, "GET", f"/api/v1/runs/{item['id']}")
                    self.runs[item["id"]] = run
                    self._teller.ended(run)
            if len(self.runs) >= self._expected:
                self._all_ended.set()
            await asyncio.sleep(0.1)

    async def settled(self) -> None:
        """Return when all runs that are expected have ended, or when waiting longer would not help."""
        with contextlib.suppress(TimeoutError):  # then the table shows what is missing
            await asyncio.wait_for(self._all_ended.wait(), _SETTLE_SECONDS)

    @property
    def survived(self) -> int:
        """How many tries failed for a while and were made good."""
        return sum(
            attempt["verdict"] in ("transient", "unknown")
            for run in self.runs.values()
            for step in run.get("steps") or []
            for attempt in step.get("attempts") or []
        )


async def _audit(deliveries: list[Delivery], stage: Stage, troubles: int, watch: _Watch, teller: Teller) -> bool:
    """Compare what was sent with what the server counts and with what the vendors hold."""
    verdicts = Counter(delivery.verdict for delivery in deliveries)
    made = Counter(name.split("/")[0] for name in {name for delivery in deliveries for name in delivery.makes})
    counts = await asyncio.to_thread(stage.server.ask, "GET", "/api/v1/stats")
    receipts, runs = counts["receipts"], counts["runs"]
    found = await _vendor_records(stage)
    rows = [
        ("webhooks received", len(deliveries), sum(receipts.values())),
        ("  accepted", verdicts["accepted"], receipts["accepted"]),
        ("  duplicates", verdicts["duplicate"], receipts["duplicate"]),
        ("  refused", verdicts["refused"], receipts["refused"]),
        ("  pings", verdicts["ping"], receipts["ping"]),
        ("events", sum(delivery.events for delivery in deliveries), counts["events"]["total"]),
        ("runs done", sum(delivery.runs for delivery in deliveries), runs["done"]),
        ("runs skipped (once per customer)", sum(delivery.skipped for delivery in deliveries), runs["skipped"]),
        ("runs failed or held", 0, runs["failed"] + runs["held"]),
        ("retries survived", troubles, watch.survived),
        *((name, made[name], found.get(name, 0)) for name in sorted(made | found)),
    ]
    teller.table(rows)
    if not counts.get("books_balance", False):
        teller.say("the server's books do not balance", "bold red")
    return all(expected == seen for _, expected, seen in rows) and counts["books_balance"] is True


async def _vendor_records(stage: Stage) -> Counter[str]:
    """What the vendors' stand-ins hold now, by kind."""
    found: Counter[str] = Counter()
    for name, (vendor, kind) in _KINDS.items():
        found[name] = len((await stage.sandbox("GET", vendor, "records")).get(kind, []))
    return found


async def _leave_open(stage: Stage, troubles: _Troubles, teller: Teller) -> None:
    """Give whoever looks at the console something to do."""
    from hooks.cli.demo.afterwards import leave_open

    async def send(delivery: Delivery) -> None:
        await _play_scene(delivery, stage, troubles, teller)

    teller.say("\nAnd for the console, some trouble that waits for a person:", "bold")
    if not await leave_open(stage, send, datetime.now(UTC)):
        teller.say("it did not come to what was expected: please report it", "bold red")


async def _stay(stage: Stage, teller: Teller) -> None:
    """Print where everything is and wait for Ctrl-C."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    data = stage.folder / "data"
    file = data / TOKEN_FILE
    teller.say(f"\nwebhooks   {stage.server.inbox}/in/summit, /in/harbor, /in/leads, /in/lawn")
    teller.say(f"console    {stage.server.admin}  (sign in with the token in {file})")
    teller.say(f"token      {file.read_text(encoding='utf-8').strip()}")
    teller.say(f"sandboxes  {stage.sandbox_address}/homebase360, ...")
    teller.say(f"look       hooks runs list --data {data}")
    teller.say("Ctrl-C ends it and removes everything.")
    await stopped.wait()
