"""Deliver: what can be done with jobs at Homebase360: the rows of the table, their look-up, and ``upsert_job``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from hooks.errors import Permanent
from hooks.events import Done, Request, utc_text
from hooks.kit.http import Deadline
from hooks.kit.operations import Operation, check_inputs
from hooks.ports import Action, Call, OnUnknown

from .client import Homebase360Client
from .models import CreateJob, GetJobs, UpdateJob, UpsertJob
from .rows import as_configured, search
from .visits import as_job, changes, moment, same_job, same_time

_LONGEST = timedelta(days=1)
"""Jobs that began up to so long before the wanted one may still overlap it."""
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


# --- the rows ---


async def _find_job(client: Homebase360Client, call: Call) -> Done | None:
    """The customer's job with the same start, end and first line."""
    wanted = check_inputs(CreateJob, call.inputs).model_dump(exclude_unset=True)
    # Both dates, always: a missing start would mean today's.
    window = {"startDate": wanted["start"], "endDate": wanted["start"], "limit": 100}
    for job in await search(client, "/jobs", window, call.timeout):
        if _is_job(job, wanted) and job.get("jobId"):
            return Done({"jobId": job["jobId"]}, adopted=True)
    return None


def _is_job(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    customer, lines = job.get("customer"), job.get("lineItems")
    return (
        isinstance(customer, dict)
        and customer.get("customerId") == wanted["customerId"]
        and same_time(job.get("start"), wanted["start"])
        and same_time(job.get("end"), wanted["end"])
        and isinstance(lines, list)
        and bool(lines)
        and isinstance(lines[0], dict)
        and all(lines[0].get(name) == wanted["lineItems"][0].get(name) for name in ("name", "unitPrice"))
    )


CREATE_JOB = Operation("create_job", "POST", "/jobs", "Create a job of a customer.", CreateJob, find=_find_job)
UPDATE_JOB = Operation(
    "update_job",
    "PATCH",
    "/jobs/{jobId}",
    "Change start, end or note of a job.",
    UpdateJob,
    harmless=True,
    adjust=as_configured,
)


# --- upsert_job ---


@dataclass(frozen=True)
class UpsertJobAction:
    """Find a canonical job by customer and time; create it, write what changed, or write nothing.

    The output always has ``jobId``, and ``created``, ``updated`` and ``unchanged``, of which one is true.
    """

    name: str = "upsert_job"
    aliases: tuple[str, ...] = ()
    operation: str = "upsertJob"
    method: str = "POST"
    path: str = "/jobs"
    summary: str = "Find a customer's job by its time, then create it or write what has changed."
    inputs: type[BaseModel] = UpsertJob
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        return CREATE_JOB.render(self._wanted(inputs)[0], settings)

    async def send(self, client: Homebase360Client, call: Call) -> Done:
        left = Deadline(call.timeout)
        wanted, given = self._wanted(call.inputs)
        found = await self._found(client, wanted, given, left)
        if found is None:
            request = CREATE_JOB.render(wanted, client.settings)
            made = (await client.send(request, timeout=left.left(), key=call.key)).output
            return self._done(made, "created")
        fields = changes(found, wanted, note=given.note)
        if not fields:
            return self._done(found, "unchanged")
        request = UPDATE_JOB.render({"jobId": found.get("jobId"), **fields}, client.settings)
        await client.send(request, timeout=left.left(), key=call.key)
        return self._done(found, "updated")

    async def lookup(self, client: Homebase360Client, call: Call) -> Done | None:
        """The job, if it is there and has all that is wanted."""
        wanted, given = self._wanted(call.inputs)
        found = await self._found(client, wanted, given, Deadline(call.timeout))
        if found is None or changes(found, wanted, note=given.note):
            return None
        return replace(self._done(found, "unchanged"), adopted=True)

    async def _found(
        self, client: Homebase360Client, wanted: Mapping[str, Any], given: UpsertJob, left: Deadline
    ) -> Mapping[str, Any] | None:
        """The job that is the wanted one: by its id where that is known, else among those around its time.

        Both dates are always sent: a missing start would mean today's. Raises Permanent for an id that is not there.
        """
        if given.jobId is not None:
            jobs = await search(client, "/jobs", {"jobId": given.jobId}, left.left())
            if not jobs:
                raise Permanent(f"jobId: Homebase360 has no job {given.jobId}")
            return jobs[0]
        start = wanted["start"]
        exact = {"startDate": start, "endDate": start, "limit": 100}
        found = same_job(await search(client, "/jobs", exact, left.left()), wanted)
        if found is not None and same_time(found.get("end"), wanted["end"]):
            return found
        begin = moment(start)
        assert begin is not None, "the model has read it as a time"
        first = max(begin, _EARLIEST) - _LONGEST
        around = {"startDate": utc_text(first), "endDate": wanted["end"], "limit": 100}
        return same_job(await search(client, "/jobs", around, left.left()), wanted) or found

    def _wanted(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], UpsertJob]:
        given = check_inputs(self.inputs, inputs)
        assert isinstance(given, UpsertJob)
        chosen = given.model_dump(exclude_unset=True, exclude={"job", "jobId"})
        fields = {**as_job(given.job), **chosen}
        for name, reason in (
            ("start", "scheduled_start_at nor started_at"),
            ("end", "scheduled_end_at nor completed_at"),
        ):
            if name not in fields:
                raise Permanent(f"job: has neither {reason}; give the step's `{name}`")
        return check_inputs(CreateJob, fields).model_dump(exclude_unset=True), given

    def _done(self, record: Any, outcome: str) -> Done:
        job_id = record.get("jobId") if isinstance(record, dict) else None
        return Done({"jobId": job_id, **{word: word == outcome for word in ("created", "updated", "unchanged")}})


JOBS: tuple[Action, ...] = (
    Operation("get_jobs", "GET", "/jobs", "Search jobs by id or by the time they start.", GetJobs),
    CREATE_JOB,
    UPDATE_JOB,
    UpsertJobAction(),
)
