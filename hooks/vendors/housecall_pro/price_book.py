"""Deliver: Housecall Pro's price book: materials, their categories, price forms, and services (to read).

Source: the vendor's API description (read 2026-11). Lists come under ``data``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from hooks.events import Request
from hooks.kit.operations import Inputs, Spec
from hooks.ports import Action

from .lookups import by_fields
from .models import Cents
from .rows import deletion, first_page, listing, row

_BOOK: Final = "/api/price_book"
_MATERIALS: Final = _BOOK + "/materials"
_CATEGORIES: Final = _BOOK + "/material_categories"
_FORMS: Final = _BOOK + "/price_forms"


class Filter(Inputs):
    """What a service has to be."""

    property: Literal[
        "online_booking_enabled", "managed_by", "flat_rate_enabled", "taxable", "category", "organization_industry"
    ] = Field(description="The property.")
    value: bool | str = Field(description="What it has to be: true or false, or a text.")


class FormOption(Inputs):
    """One of the choices of a field."""

    name: str | None = Field(None, description="Its name.")
    price: Cents | None = Field(None, description="Its price, in cents.")
    lower_bound: int | None = Field(None, description="From this number on (`numerical_range`).")
    upper_bound: int | None = Field(None, description="Up to this number (`numerical_range`).")
    duration_in_minutes: int | None = Field(None, description="How long it takes, in minutes.")
    destroy: bool | None = Field(None, alias="_destroy", description="Remove it, on an update.")


class FormField(Inputs):
    """One question of a price form."""

    id: str | None = Field(None, description="Its id; on an update, without one it is added.")
    name: str | None = Field(None, description="Its name.")
    kind: Literal["single_select", "multiple_select", "quantity_select", "numerical_range"] | None = Field(
        None, description="What kind of answer it takes."
    )
    price: Cents | None = Field(None, description="Its price, in cents.")
    order_index: int | None = Field(None, description="Its place among the fields.")
    duration_in_minutes: int | None = Field(None, description="How long it takes, in minutes.")
    options_attributes: list[FormOption] | None = Field(None, description="Its choices.")
    service_area_fields_attributes: list[dict[str, Any]] | None = Field(
        None, description="Its prices by service zone, as the vendor spells them."
    )
    destroy: bool | None = Field(None, alias="_destroy", description="Remove it, on an update.")


_MATERIAL: Final = "description? unit_of_measure? part_number? flat_rate_enabled? taxable?"
_FORM: Final = (
    "description? automatically_add_to_new_job? taxable? olb_enabled? duration_in_minutes? dynamic_duration_enabled?"
    " bookable_as? question_1? question_2? service_area_pricing_enabled? default_service_zone_id? assigned?"
    " fields_attributes?"
)
_OF_FORM: Final[dict[str, Spec]] = {
    "uuid": (Annotated[str, Field(min_length=1)], "The price form's id."),
    "automatically_add_to_new_job": (bool, "Whether new jobs get it by themselves."),
    "olb_enabled": (bool, "Whether it can be booked online."),
    "duration_in_minutes": (int, "How long it takes, in minutes."),
    "dynamic_duration_enabled": (bool, "Whether the answers change how long it takes."),
    "bookable_as": (str, "What a booking becomes: `jobs` or `estimates`."),
    "question_1": (str, "A question to the customer."),
    "question_2": (str, "Another one."),
    "service_area_pricing_enabled": (bool, "Whether prices differ by service zone."),
    "default_service_zone_id": (str, "The zone whose prices count otherwise."),
    "assigned": (dict[str, Any], "Who does it, as `{pros: [{uuid, full_name}], tags: []}`."),
    "fields_attributes": (list[FormField], "Its fields."),
    "taxable": (bool, "Whether it is taxed."),
}
_OF_MATERIAL: Final[dict[str, Spec]] = {
    "uuid": (Annotated[str, Field(min_length=1)], "The material's id."),
    "taxable": (bool, "Whether it is taxed; false where not given."),
}
_OF_CATEGORY: Final[dict[str, Spec]] = {"uuid": (Annotated[str, Field(min_length=1)], "The category's id.")}


def _in_query_too(request: Request, inputs: Mapping[str, Any], _: Any) -> Request:
    """The vendor's description requires the category in the query as well as in the body."""
    return replace(request, query=(("material_category_uuid", inputs["material_category_uuid"]),))


def _with_filters(request: Request, inputs: Mapping[str, Any], settings: Any) -> Request:
    """Filters as ``filters[][property]=...``, the form of the vendor's description."""
    pairs: list[tuple[str, str]] = []
    for one in inputs.get("filters") or ():
        value = one["value"]
        shown = value if isinstance(value, str) else "true" if value else "false"
        named = {"property": one["property"], "operator": "eq", "value": shown}
        pairs += [(f"filters[][{name}]", text) for name, text in named.items()]
    made = first_page(request, inputs, settings)
    return replace(made, query=(*made.query, *pairs))


LIST_MATERIALS: Final = listing(
    "list_materials", _MATERIALS, "List the materials of a category.", "material_category_uuid", plural="data"
)
LIST_CATEGORIES: Final = listing(
    "list_material_categories", _CATEGORIES, "List categories of materials.", "parent_uuid?", plural="data"
)
LIST_FORMS: Final = row("list_price_forms", "GET", _FORMS, "List the price forms that are in use.")

ACTIONS: tuple[Action, ...] = (
    LIST_MATERIALS,
    row(
        "create_material",
        "POST",
        _MATERIALS,
        "Add a material to the price book.",
        f"material_category_uuid name price cost {_MATERIAL}",
        meaning=_OF_MATERIAL,
        adjust=_in_query_too,
        find=by_fields(LIST_MATERIALS, "data", "name", "part_number", material_category_uuid="material_category_uuid"),
    ),
    row(
        "update_material",
        "PUT",
        _MATERIALS + "/{uuid}",
        "Change a material.",
        f"uuid name? price? cost? {_MATERIAL}",
        meaning=_OF_MATERIAL,
    ),
    deletion("delete_material", _MATERIALS + "/{uuid}", "Delete a material.", "uuid", meaning=_OF_MATERIAL),
    LIST_CATEGORIES,
    row(
        "create_material_category",
        "POST",
        _CATEGORIES,
        "Add a category of materials.",
        "name parent_uuid?",
        find=by_fields(LIST_CATEGORIES, "data", "name", parent_uuid="parent_uuid"),
    ),
    row(
        "update_material_category",
        "PUT",
        _CATEGORIES + "/{uuid}",
        "Rename a category of materials.",
        "uuid name",
        meaning=_OF_CATEGORY,
    ),
    deletion(
        "delete_material_category",
        _CATEGORIES + "/{uuid}",
        "Delete a category of materials.",
        "uuid",
        meaning=_OF_CATEGORY,
    ),
    LIST_FORMS,
    row(
        "create_price_form",
        "POST",
        _FORMS,
        "Add a price form to the price book.",
        f"name {_FORM}",
        meaning=_OF_FORM,
        find=by_fields(LIST_FORMS, "data", "name"),
    ),
    row("get_price_form", "GET", _FORMS + "/{uuid}", "Get a price form.", "uuid", meaning=_OF_FORM),
    row(
        "update_price_form",
        "PUT",
        _FORMS + "/{uuid}",
        "Change a price form; fields and options without an id are added.",
        f"uuid name? {_FORM}",
        meaning=_OF_FORM,
        harmless=False,
        unknown="hold",
    ),
    deletion("delete_price_form", _FORMS + "/{uuid}", "Delete a price form.", "uuid", meaning=_OF_FORM),
    listing(
        "list_price_book_services",
        _BOOK + "/services",
        "Search the services of the price book.",
        "q? filters?",
        plural="services",
        meaning={
            "q": (str, "Text that is searched in names, descriptions and task numbers."),
            "filters": (list[Filter], "What the services have to be."),
        },
        ours=frozenset({"fetch_all", "filters"}),
        adjust=_with_filters,
    ),
)
