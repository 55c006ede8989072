"""Zapier's Catch Hook, from its help pages: any object, posted to the hook's address."""

from __future__ import annotations

from hooks.vendors.zapier import vendor
from hooks.vendors.zapier.sandbox import HOOK_PATH, sandbox
from tests.vendors.documents.account import Account, Document, Row

TABLE: dict[str, Row] = {"send": ("POST", HOOK_PATH, {"data": {"name": "Maya Ortiz", "tags": ["vip"]}})}


async def prepare(account: Account) -> None:
    """It needs no records."""


ZAPIER = Document(vendor, sandbox, {"hook_url": "{sandbox}" + HOOK_PATH}, TABLE, prepare)
