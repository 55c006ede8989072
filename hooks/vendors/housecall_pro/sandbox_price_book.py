"""What the stand-in for Housecall Pro does with its price book: materials, their categories, price forms, services."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from .sandbox_endpoints import Records, among
from .sandbox_records import Record, Refused, invalid, missing

_BOOK = "/api/price_book"
_OF_MATERIAL = (
    "description",
    "unit_of_measure",
    "part_number",
    "flat_rate_enabled",
    "taxable",
    "price",
    "cost",
    "name",
)
_OF_FORM = (
    *("name", "description", "automatically_add_to_new_job", "taxable", "olb_enabled", "duration_in_minutes"),
    *("dynamic_duration_enabled", "question_1", "question_2", "bookable_as", "service_area_pricing_enabled"),
)


class PriceBook:
    """The endpoints of the price book, over the records of all kinds."""

    def __init__(self, records: Records) -> None:
        self._all = records

    def _one(self, kind: str, what: str, request: Request) -> Record:
        record = self._all.box.find(kind, "uuid", request.path_params["id"])
        if record is None:
            raise missing(what)
        return record

    def _page(self, found: list[Record], request: Request) -> Record:
        try:
            page, size = int(request.query_params.get("page", 1)), int(request.query_params.get("page_size", 10))
        except ValueError:
            raise Refused(400, {"message": "The page is out of range"}) from None
        ordered = found if request.query_params.get("sort_direction") == "asc" else found[::-1]
        return {
            "object": "list",
            "page": page,
            "page_size": size,
            "total_pages_count": -(-len(found) // size),
            "total_count": len(found),
            "data": ordered[(page - 1) * size : page * size],
            "url": request.url.path,
        }

    # --- materials ---

    async def materials(self, request: Request) -> Any:
        category = request.query_params.get("material_category_uuid")
        if not category:
            raise invalid(material_category_uuid="is missing")
        if request.method == "GET":
            known = self._all.box.of("materials")
            return self._page([one for one in known if one["material_category_uuid"] == category], request)
        given = await self._all.body(request, "material_category_uuid", "name")
        if wrong := [name for name in ("price", "cost") if not isinstance(given.get(name), int)]:
            raise invalid(**dict.fromkeys(wrong, "is missing"))
        above = self._all.box.find("material_categories", "uuid", category)
        if above is None or given["material_category_uuid"] != category:
            raise missing("material category")
        made = {
            "object": "material",
            "uuid": self._all.identity("pbmat"),
            "material_category_uuid": category,
            "material_category_name": above["name"],
            "flat_rate_enabled": False,
            "taxable": False,
        }
        return self._all.box.add("materials", made | {name: given[name] for name in _OF_MATERIAL if name in given})

    async def material(self, request: Request) -> Any:
        record = self._one("materials", "material", request)
        if request.method == "DELETE":
            self._all.box.of("materials").remove(record)
            return {}
        given = await self._all.body(request)
        record |= {name: given[name] for name in _OF_MATERIAL if name in given}
        return record

    # --- categories ---

    async def categories(self, request: Request) -> Any:
        if request.method == "GET":
            above = request.query_params.get("parent_uuid")
            known = self._all.box.of("material_categories")
            return self._page([one for one in known if one["parent_uuid"] == above], request)
        given = await self._all.body(request, "name")
        made: Record = {"object": "material_category", "uuid": self._all.identity("pbmatcat")}
        made |= {"parent_uuid": given.get("parent_uuid"), "name": given["name"]}
        return self._all.box.add("material_categories", made)

    async def category(self, request: Request) -> Any:
        record = self._one("material_categories", "material category", request)
        if request.method == "DELETE":
            self._all.box.of("material_categories").remove(record)
            return {}
        record["name"] = (await self._all.body(request, "name"))["name"]
        return record

    # --- price forms ---

    async def forms(self, request: Request) -> Any:
        if request.method == "GET":
            return self._page(self._all.box.of("price_forms"), request)
        given = await self._all.body(request, "name")
        made: Record = {"id": f"pbpf_{self._all.box.number():032x}", "fields": {"data": []}}
        return self._all.box.add("price_forms", self._fill(made, given))

    async def form(self, request: Request) -> Any:
        record = self._all.one("price_forms", request.path_params["id"])
        if request.method == "DELETE":
            self._all.box.of("price_forms").remove(record)
            return None
        if request.method == "PUT":
            given = await self._all.body(request)
            if given.get("name", "x") == "":
                raise Refused(422, {"error": {"message": "Name can't be blank"}})
            self._fill(record, given)
        return record

    def _fill(self, form: Record, given: Record) -> Record:
        form |= {name: given[name] for name in _OF_FORM if name in given}
        for one in given.get("fields_attributes") or []:
            fields: list[Record] = form["fields"]["data"]
            field = among(fields, one["id"], "field") if one.get("id") else None
            if one.get("_destroy"):
                if field is not None:
                    fields.remove(field)
                continue
            if field is None:
                field = {"id": f"pbpff_{self._all.box.number():032x}", "options": {"data": []}}
                fields.append(field)
            field |= {name: one[name] for name in one.keys() - {"id", "options_attributes"}}
            for choice in one.get("options_attributes") or []:
                field["options"]["data"].append({"id": f"pbpffo_{self._all.box.number():032x}", **choice})
        return form

    # --- services ---

    async def services(self, request: Request) -> Any:
        asked = request.query_params
        names, values = asked.getlist("filters[][property]"), asked.getlist("filters[][value]")
        if len(names) != len(values) or asked.getlist("filters[][operator]") != ["eq"] * len(names):
            raise invalid(filters="are not property, operator and value")
        wanted = dict(zip(names, values, strict=True))
        found = [
            one
            for one in self._all.box.of("services")
            if asked.get("q", "").casefold() in one["name"].casefold()
            and all(str(one.get(name)).lower() == value.lower() for name, value in wanted.items())
        ]
        return self._page(found, request)
