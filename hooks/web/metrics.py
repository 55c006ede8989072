"""Prometheus figures: the counts of ``/api/v1/stats`` and of this process, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the library is loaded for the first who asks: many a server is never asked
    from prometheus_client.core import GaugeMetricFamily

from hooks.pipeline.breaker import BREAKER_STATES

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = {"receipts": "verdict", "events": "state", "runs": "state"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _label(name: str) -> str:
    subject = name.partition("_")[0]
    return subject if subject in ("connection", "source") else _LABELS.get(name, "kind")


class _Figures:
    """The stats as gauges: they are counts of rows, which retention makes smaller again."""

    def __init__(self, stats: Mapping[str, Any]) -> None:
        self._stats = stats

    def collect(self) -> Iterable[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily

        for name, value in self._stats.items():
            if _NAME.fullmatch(name) is None:
                continue
            if isinstance(value, Mapping):
                family = GaugeMetricFamily(f"hooks_{name}", f"Stored {name}.", labels=[_label(name)])
                for label, count in value.items():
                    if isinstance(count, (int, float)):
                        family.add_metric([str(label)], float(count))
                yield family
            elif isinstance(value, (int, float)):
                yield GaugeMetricFamily(f"hooks_{name}", f"{name}, as in /api/v1/stats.", value=float(value))


def connection_figures(connections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How the connections stand, as figures: ``breaker`` 0 closed, 1 trying whether it works again, 2 open."""
    known = [one for one in connections if "breaker" in one]
    return {
        "connection_breaker": {one["name"]: BREAKER_STATES.index(one["breaker"]) for one in known},
        "connection_paused": {one["name"]: int(one["paused"]) for one in known},
        "connection_in_flight": {one["name"]: one["in_flight"] for one in known},
    }


def source_figures(sources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """When the senders of sources gave their last sign of life, in seconds since 1970, and who is quiet: 1."""
    known = list(sources)
    return {
        "source_last_received_timestamp_seconds": {
            one["name"]: datetime.fromisoformat(last).timestamp()
            for one in known
            if (last := one.get("last_received_at")) is not None
        },
        "source_quiet": {one["name"]: int(one["quiet"]) for one in known if one.get("quiet") is not None},
    }


def prometheus_text(stats: Mapping[str, Any]) -> bytes:
    """The exposition of these stats and of the running process."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.process_collector import ProcessCollector

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(stats))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
