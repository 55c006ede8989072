"""What `hooks demo --keep` leaves open after the morning, so that the console has something for a person to do.

An account that rests with a lead waiting for it, a note that the office refuses, one whose answer was lost, and two
people with one phone. It happens after the morning has been checked, and for real, like everything else here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from hooks.cli.demo.senders import Business, Delivery, zap
from hooks.cli.demo.stage import Stage

PAUSED = "closer"
WHY = "JobCloser said: maintenance until 11:00"
_LOST = {"kind": "cut_after", "path": "/notes", "method": "POST"}
_REFUSED = {"kind": "status", "status": 422, "path": "/notes", "method": "POST"}
_WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.2

Send = Callable[[Delivery], Awaitable[object]]


async def leave_open(stage: Stage, send: Send, now: datetime) -> bool:
    """Let it happen; gives whether three runs then wait for a person as they should."""
    harbor = Business("harbor", "5c90f3d2-7a35-4c1e-8b7a-d41f0e6b9c22", now, {})
    ask = stage.server.ask
    await asyncio.to_thread(ask, "POST", f"/api/v1/connections/{PAUSED}/pause", body={"reason": WHY})
    await send(
        zap(
            "lawn",
            "a lead for an account that rests",
            {"Name": "Selma Brandt", "Phone": "720-555-0199"},
            path="/api/zapier/createlead",
        )
    )
    await send(zap("leads", "another Ortiz with Maya's phone", {"Name": "Luis Ortega", "Phone": "(303) 555-0142"}))
    await stage.sandbox("POST", "http", "faults", _REFUSED)
    bill = {"id": "invoice_11", "invoice_number": "2052", "amount": 9900, "due_amount": 0, "status": "paid"}
    await send(harbor.send("invoice.paid", "invoice 2052 is paid, and the office refuses the note", invoice=bill))
    await _until(stage, failed=1, held=1)
    await stage.sandbox("POST", "http", "faults", _LOST)
    bill = {**bill, "id": "invoice_12", "invoice_number": "2053"}
    await send(harbor.send("invoice.paid", "invoice 2053 is paid, and the answer is lost", invoice=bill))
    return await _until(stage, failed=1, held=2)


async def _until(stage: Stage, **wanted: int) -> bool:
    """Wait until so many runs are in these states; False when that takes too long."""
    for _ in range(round(_WAIT_SECONDS / _POLL_SECONDS)):
        counted = (await asyncio.to_thread(stage.server.ask, "GET", "/api/v1/stats"))["runs"]
        if all(counted[state] >= number for state, number in wanted.items()):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False
