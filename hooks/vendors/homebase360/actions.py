"""Deliver: what can be done at Homebase360: a table of operations, and two conveniences on top."""

from __future__ import annotations

from hooks.kit.operations import Operation
from hooks.ports import Action

from .customers import CREATE_CUSTOMER, GET_CUSTOMERS, UPDATE_CUSTOMER
from .jobs import JOBS
from .upsert import UPSERT_CUSTOMER

ACTIONS: tuple[Action, ...] = (
    GET_CUSTOMERS,
    CREATE_CUSTOMER,
    UPDATE_CUSTOMER,
    UPSERT_CUSTOMER,
    *JOBS,
    Operation("ping", "GET", "/ping", "Test the key."),
)
