"""Any HTTP API: one action, which may be any request."""

from __future__ import annotations

from hooks.vendors.http import vendor
from hooks.vendors.http.sandbox import sandbox
from tests.vendors.documents.account import Account, Document, Row

TABLE: dict[str, Row] = {
    "request": ("PUT", "/things/7", {"method": "PUT", "path": "/things/7", "query": {"a": [1, 2]}, "json": {"b": None}})
}


async def prepare(account: Account) -> None:
    """It needs no records."""


HTTP = Document(
    vendor,
    sandbox,
    {"base_url": "{sandbox}", "auth": {"scheme": "bearer", "token": "a-token-of-a-test"}},
    TABLE,
    prepare,
)
