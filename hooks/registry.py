"""Every vendor this program knows, one line each. What else is known of a vendor is in its folder."""

from __future__ import annotations

from typing import Any

from hooks.ports import Catalogue, Vendor
from hooks.vendors import (
    cloudevents,
    event,
    homebase360,
    housecall_pro,
    http,
    jobcloser,
    servicetitan,
    standard_webhooks,
    supergood,
    webhook,
    zapier,
)

VENDORS: tuple[Vendor, ...] = (
    housecall_pro.vendor,
    zapier.vendor,
    jobcloser.vendor,
    homebase360.vendor,
    servicetitan.vendor,
    supergood.vendor,
    standard_webhooks.vendor,
    cloudevents.vendor,
    webhook.vendor,
    http.vendor,
    event.vendor,
)

CATALOGUE: Catalogue = {vendor.name: vendor for vendor in VENDORS}


def describe(catalogue: Catalogue = CATALOGUE) -> list[dict[str, Any]]:
    """Every vendor with its actions and the events it sends, ready for JSON: the reference of people and programs.

    An action's ``name`` is the full one, as a rule writes it; its ``inputs`` are a JSON schema in the vendor's own
    field names, and its ``output`` is one of what its answer holds, None where no document says.
    """
    return [
        {
            "vendor": vendor.name,
            "title": vendor.title,
            "receives": vendor.make_source is not None,
            "actions": [
                {
                    "name": f"{vendor.name}.{action.name}",
                    "aliases": [f"{vendor.name}.{alias}" for alias in action.aliases],
                    "operation": action.operation,
                    "method": action.method,
                    "path": action.path,
                    "summary": action.summary,
                    "repeatable": action.repeatable,
                    "on_unknown": action.on_unknown,
                    "inputs": action.inputs.model_json_schema(by_alias=True),
                    "output": vendor.outputs.get(action.name),
                }
                for action in vendor.actions
            ],
            "events": list(dict.fromkeys(kind.name for kind in vendor.kinds)),
        }
        for vendor in catalogue.values()
    ]
