"""Recorded, scrubbed requests of a vendor and the events they must become.

A sample is ``samples/<name>.json`` in a vendor's folder: ``method``, ``path`` (below ``/in/{source}``), ``query``,
``headers`` and ``body`` (text, its UTF-8 bytes are the body). No credentials: whoever sends a sample signs it then.
Beside it, ``<name>.event.json`` is its golden: what `hooks.ports.Source.normalize` must make of it. Rule tests,
``hooks explain``, ``hooks send`` and the contract suite all read samples here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from hooks.events import Receipt, new_id, utc_text
from hooks.ports import Draft, Inbound, Reading, Source, Vendor
from hooks.ports.inbound import ALWAYS_KEPT

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_GOLDEN = ".event.json"
_GOLDEN_KEYS = ("type", "vendor_type", "subject", "time", "data", "flag")


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded request. ``golden`` holds one object for each event it becomes, empty when none is written yet."""

    vendor: str
    name: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    golden: tuple[Mapping[str, Any], ...] = ()

    @property
    def address(self) -> str:
        """How a rule test or a command names it: ``housecall_pro/job.completed``."""
        return f"{self.vendor}/{self.name}"

    def inbound(self, received_at: datetime, headers: Mapping[str, str] | None = None, query: str = "") -> Inbound:
        """The request as a source sees it, with further headers or query (a signature, a key) of the one who sends."""
        pairs = {name.lower(): value for name, value in {**self.headers, **(headers or {})}.items()}
        return Inbound(
            method=self.method,
            path=self.path,
            query="&".join(part for part in (self.query, query) if part).encode(),
            headers=[(name.encode(), value.encode()) for name, value in pairs.items()],
            body=self.body,
            received_at=received_at,
        )

    def receipt(self, source: str, reading: Reading, received_at: datetime, kept: Set[bytes] = frozenset()) -> Receipt:
        """The accepted receipt of this request, as the engine would store it. ``kept`` is `Source.kept_headers`."""
        return accepted(source, self.vendor, self.inbound(received_at), reading, kept)


def accepted(source: str, vendor: str, request: Inbound, reading: Reading, kept: Set[bytes] = frozenset()) -> Receipt:
    """The receipt of a request, as the engine would store it. ``kept`` is `Source.kept_headers`."""
    listed = ALWAYS_KEPT | kept
    return Receipt(
        id=new_id("rcp"),
        source=source,
        vendor=vendor,
        received_at=request.received_at,
        verdict="accepted",
        path=request.path,
        query=tuple(parse_qsl(request.query.decode(), keep_blank_values=True)),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers if name in listed},
        body=request.body if reading.masked is None else reading.masked,
        events=reading.events,
    )


@cache
def samples(vendor: str, package: str = "hooks.vendors") -> tuple[Sample, ...]:
    """All samples of a vendor, by name; none when the vendor has no such folder."""
    if _NAME.fullmatch(vendor) is None:
        return ()
    folder = files(package) / vendor / "samples"
    if not folder.is_dir():
        return ()
    present = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".json")}
    names = sorted(name.removesuffix(".json") for name in present if not name.endswith(_GOLDEN))
    return tuple(_load(vendor, name, present) for name in names)


def _load(vendor: str, name: str, present: Mapping[str, Traversable]) -> Sample:
    recorded = json.loads(present[f"{name}.json"].read_text("utf-8"))
    golden = present.get(f"{name}{_GOLDEN}")
    return Sample(
        vendor=vendor,
        name=name,
        method=recorded["method"],
        path=recorded["path"],
        query=recorded["query"],
        headers=recorded["headers"],
        body=recorded["body"].encode(),
        golden=() if golden is None else tuple(json.loads(golden.read_text("utf-8"))),
    )


def sample(address: str, package: str = "hooks.vendors") -> Sample:
    """The sample of an address: a vendor, a slash and the sample's name, its vendor's event name or its event type.

    ``housecall_pro/job.appointment.scheduled`` and ``housecall_pro/appointment.scheduled`` are the same one. Raises
    LookupError with a sentence for people.
    """
    vendor, _, name = address.partition("/")
    known = samples(vendor, package)
    for wanted in ("name", "vendor_type", "type"):
        for one in known:
            names = [one.name] if wanted == "name" else [event[wanted] for event in one.golden]
            if name in names:
                return one
    if not known:
        raise LookupError(f"{address!r}: there are no samples of a vendor {vendor!r}")
    near = get_close_matches(name, [one.name for one in known], 1)
    told = f"did you mean {vendor}/{near[0]}?" if near else f"{vendor} has " + ", ".join(one.name for one in known)
    raise LookupError(f"there is no sample {address!r}: {told}")


def golden_of(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Drafts as goldens hold them: all but ``raw``, which the sample's body shows."""
    return [
        {
            key: utc_text(draft.time) if key == "time" and draft.time is not None else getattr(draft, key)
            for key in _GOLDEN_KEYS
        }
        for draft in drafts
    ]


def normalized(source: Source, one: Sample, received_at: datetime) -> list[Draft]:
    """What a source makes of a sample."""
    reading = source.read(one.inbound(received_at))
    return source.normalize(one.receipt("sample", reading, received_at, source.kept_headers))


def write_goldens(
    vendor: Vendor, settings: Mapping[str, Any], received_at: datetime, package: str = "hooks.vendors"
) -> list[str]:
    """Write the goldens of all samples anew, in a checkout, and return the names of those that changed.

    For the one who changes an adapter: review the difference as code.
    """
    if vendor.source_settings is None or vendor.make_source is None:
        return []
    source = vendor.make_source("sample", vendor.source_settings.model_validate(settings))
    folder = Path(str(files(package) / vendor.name / "samples"))
    changed: list[str] = []
    for one in samples(vendor.name, package):
        golden = golden_of(normalized(source, one, received_at))
        if golden != list(one.golden):
            text = json.dumps(golden, indent=2, ensure_ascii=False) + "\n"
            (folder / f"{one.name}{_GOLDEN}").write_text(text, "utf-8")
            changed.append(one.name)
    samples.cache_clear()
    return changed
