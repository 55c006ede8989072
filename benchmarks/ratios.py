"""One table of all the ratios that the suite is there for, each with the least that is wanted and the aim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Ratio(NamedTuple):
    """A figure against its yardstick. More is better where ``floor`` is below ``goal``, else less is."""

    what: str
    ratio: float
    floor: float
    goal: float

    @property
    def verdict(self) -> str:
        """Which of both it reaches."""
        sign = 1 if self.floor <= self.goal else -1
        if sign * self.ratio >= sign * self.goal:
            return "reached"
        return "the least" if sign * self.ratio >= sign * self.floor else "NOT REACHED"


INGEST = {"1": (0.2, 0.35), "64": (0.6, 1.0), "256": (0.6, 1.0)}
"""By connections: the least and the aim."""


def ratios(found: Mapping[str, Any]) -> list[Ratio]:
    """Those of a run of the suite, for whatever of it was run. Of processor time, where both sides have it."""
    return [*_ingest(found), *_whole(found), *_flat(found), *_starts(found), *_peers(found)]


def _ingest(found: Mapping[str, Any]) -> Iterator[Ratio]:
    for connections, row in found.get("ingest", {}).get("connections", {}).items():
        floor, goal = INGEST.get(connections, (0.3, 0.7))
        yield Ratio(f"durable ingest / bare, {connections} connections", row["receive_cpu_ratio"], floor, goal)


def _whole(found: Mapping[str, Any]) -> Iterator[Ratio]:
    if "end_to_end" in found:
        yield Ratio("end to end / durable ingest", found["end_to_end"]["ingest_cpu_ratio"], 0.1, 0.25)


def _flat(found: Mapping[str, Any]) -> Iterator[Ratio]:
    if "rules" in found:
        # it gives how much longer an event takes
        longer = found["rules"]["matching"]["ratio"]["plan"]
        yield Ratio("10,000 rules / 10, events planned", round(1 / longer, 2), 0.8, 0.95)
    if "million" in found:
        for kind, name in (("ingest", "ingest"), ("end_to_end", "end to end")):
            yield Ratio(f"1,000,000 stored events / 1,000, {name}", found["million"][kind]["cpu_ratio"], 0.8, 0.95)


def _starts(found: Mapping[str, Any]) -> Iterator[Ratio]:
    for name, ratio in found.get("startup", {}).get("ratios", {}).items():
        if name == "hooks --version":
            yield Ratio("hooks --version / importing the stack", ratio, 0.6, 0.3)


def _peers(found: Mapping[str, Any]) -> Iterator[Ratio]:
    for name, row in found.get("peers", {}).get("peers", {}).items():
        if name != "hooks":
            yield Ratio(f"end to end / {name} {row['version']}", row["cpu_ours_to_it"], 1.0, 3.0)


def table(shown: Sequence[Ratio]) -> str:
    """As text."""
    head = f"{'ratio of processor time':<50} {'':>8}  {'least':>6}  {'aim':>5}"
    return "\n".join(
        [
            head,
            *(f"{each.what:<50} {each.ratio:>8g}  {each.floor:>6g}  {each.goal:>5g}  {each.verdict}" for each in shown),
        ]
    )
