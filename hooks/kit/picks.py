"""Pick lists: what there is at a vendor to choose an id from, with labels for people. They read and change nothing.

A vendor's folder may hold ``picks.py`` with ``PICKS``, by name. The command line shows them, and ``hooks check --live``
looks up whether the ids that stand in a rules file are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hooks.kit.http import Deadline
from hooks.kit.operations import Operation
from hooks.ports import Call

AT_ONCE = 50
"""Ids in one question: what vendors take."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick list. ``lister`` is the list it is made of, ``records`` where they stand in its answer ("": it is them).

    ``fields`` are the inputs, of whatever action, that take one of its ids. ``asked_by`` is the lister's own input that
    narrows it to ids: ``ids`` takes several, any other one; without it the whole list is read. A list that has to be
    searched (``listed`` false) has no entries to show.
    """

    name: str
    lister: Operation
    label: Callable[[Mapping[str, Any]], str]
    fields: frozenset[str] = frozenset()
    records: str = ""
    key: str = "id"
    noun: str = "record"
    asked_by: Literal["ids", "customerId"] | None = None
    listed: bool = True

    def entry(self, record: Mapping[str, Any]) -> dict[str, str]:
        """``{key, label}``."""
        return {"key": str(record.get(self.key)), "label": self.label(record)}


def pick_for(picks: Mapping[str, Pick], field: str, path: str) -> Pick | None:
    """The list that an input's id comes from: by its name, or because it ends the address of the list's records."""
    for pick in picks.values():
        if field in pick.fields or path.startswith(f"{pick.lister.path}/{{{field}}}"):
            return pick
    return None


async def whole_list(client: Any, pick: Pick, timeout: float) -> list[dict[str, str]]:
    """Its entries, at most 10,000. Raises what the client raises."""
    walk = {"fetch_all": True} if "fetch_all" in pick.lister.inputs.model_fields else {}
    return [pick.entry(record) for record in await _records(client, pick, walk, timeout)]


async def absent(client: Any, pick: Pick, ids: Iterable[str], timeout: float) -> list[str]:
    """Those of the ids that the vendor does not have (or, where its list leaves them out, that are not active).

    Raises what the client raises.
    """
    wanted = list(dict.fromkeys(ids))
    left = Deadline(timeout)
    there: set[str] = set()
    if pick.asked_by is None:
        there = {entry["key"] for entry in await whole_list(client, pick, left.left())}
    elif pick.asked_by == "ids":
        numbers = [int(one) for one in wanted if one.isascii() and one.isdigit()]
        for start in range(0, len(numbers), AT_ONCE):
            asked = {"ids": numbers[start : start + AT_ONCE], "pageSize": AT_ONCE}
            there |= {pick.entry(record)["key"] for record in await _records(client, pick, asked, left.left())}
    else:
        for one in wanted:
            found = await _records(client, pick, {pick.asked_by: one}, left.left())
            there |= {pick.entry(record)["key"] for record in found}
    return [one for one in wanted if one not in there]


async def _records(client: Any, pick: Pick, inputs: Mapping[str, Any], timeout: float) -> list[Mapping[str, Any]]:
    request = pick.lister.render(inputs, client.settings)
    done = await pick.lister.send(client, Call(inputs, f"pick-{pick.name}", timeout, request=request))
    output = done.output.get(pick.records) if pick.records and isinstance(done.output, dict) else done.output
    return [one for one in output if isinstance(one, dict)] if isinstance(output, list) else []
