"""Deliver: what can be done at Housecall Pro: its operations, and ``upsert_customer`` on top."""

from __future__ import annotations

from hooks.ports import Action

from . import customers, jobs, office, price_book
from .upsert import UPSERT_CUSTOMER

ACTIONS: tuple[Action, ...] = (
    *customers.ACTIONS,
    UPSERT_CUSTOMER,
    *jobs.ACTIONS,
    *office.ACTIONS,
    *price_book.ACTIONS,
)
