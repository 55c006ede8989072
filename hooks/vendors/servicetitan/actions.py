"""Deliver: what can be done at ServiceTitan: the 58 operations, module by module, and two conveniences on top."""

from __future__ import annotations

from hooks.ports import Action

from . import crm, office, work
from .book_lead import BookLeadAction
from .raw import RawRequestAction
from .upsert import UPSERT_CUSTOMER

ACTIONS: tuple[Action, ...] = (
    *crm.ACTIONS,
    *work.ACTIONS,
    *office.ACTIONS,
    RawRequestAction(),
    BookLeadAction(),
    UPSERT_CUSTOMER,
)
