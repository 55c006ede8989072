"""Deliver, one look-up: what an earlier try made at the vendor, and whether there was anything to search by."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

from hooks.errors import Undecided
from hooks.events import Done


class LookUp:
    """A look-up, awaited by `found`. ``undecided``: the inputs give nothing that the vendor could be searched by."""

    def __init__(self, looking: Awaitable[Done | None]) -> None:
        self._looking = looking
        self.undecided = False

    async def found(self) -> Done | None:
        """What is there; nothing when it is undecided."""
        try:
            return await adopted(self._looking)
        except Undecided:
            self.undecided = True
            return None


async def adopted(looking: Awaitable[Done | None]) -> Done | None:
    """What a look-up found, marked as made before."""
    found = await looking
    return None if found is None else replace(found, adopted=True)
