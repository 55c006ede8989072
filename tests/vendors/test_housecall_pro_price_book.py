"""Housecall Pro's price book, and what its own API description asks of jobs and options beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from hooks.errors import Permanent, Transient
from hooks.kit.sandbox import Fault
from tests.vendors.documents.account import Account
from tests.vendors.documents.housecall_pro import HOUSECALL_PRO, JOB, OPTION, TABLE


@pytest.fixture
async def company() -> AsyncIterator[Account]:
    company = Account(HOUSECALL_PRO)
    await company.prepare()
    yield company
    await company.client.aclose()


# --- the price book ---


async def test_a_material_is_made_in_its_category_changed_and_deleted(company: Account) -> None:
    category = (await company.do("create_material_category", name="Pipes"))["uuid"]
    made = await company.do("create_material", material_category_uuid=category, name="PEX", price=400, cost=150)
    assert f"material_category_uuid={category}" == company.box.requests[-1]["query"]
    assert category == json.loads(company.box.requests[-1]["body"])["material_category_uuid"]
    await company.do("update_material", uuid=made["uuid"], price=450, taxable=True)
    [found] = (await company.do("list_materials", material_category_uuid=category))["data"]
    assert ("PEX", 450, 150, True) == (found["name"], found["price"], found["cost"], found["taxable"])
    await company.do("delete_material", uuid=made["uuid"])
    assert [] == (await company.do("list_materials", material_category_uuid=category))["data"]


async def test_categories_stand_below_one_another(company: Account) -> None:
    above = (await company.do("create_material_category", name="Pipes"))["uuid"]
    below = await company.do("create_material_category", name="PEX", parent_uuid=above)
    assert [below] == (await company.do("list_material_categories", parent_uuid=above))["data"]
    await company.do("update_material_category", uuid=below["uuid"], name="Copper")
    await company.do("delete_material_category", uuid=above)
    names = [one["name"] for one in (await company.do("list_material_categories"))["data"]]
    assert ["Filters"] == names


async def test_all_materials_are_walked_page_by_page(company: Account) -> None:
    for number in range(6):
        fields = {**TABLE["create_material"][2], "name": f"Part {number}"}
        await company.do("create_material", **fields)
    company.box.requests.clear()
    whole = await company.do(
        "list_materials", material_category_uuid="pbmatcat_1", fetch_all=True, page_size=3, sort_direction="asc"
    )
    assert ["MERV 13", *(f"Part {number}" for number in range(6))] == [one["name"] for one in whole["data"]]
    asked = [dict(parse_qsl(one["query"])) for one in company.box.requests]
    assert [("1", "3"), ("2", "3"), ("3", "3")] == [(one["page"], one["page_size"]) for one in asked]
    assert {"pbmatcat_1"} == {one["material_category_uuid"] for one in asked}


async def test_a_price_form_is_changed_field_by_field(company: Account) -> None:
    await company.do(
        "update_price_form",
        uuid="$form",
        name="Deeper clean",
        fields_attributes=[{"id": "$form_field", "_destroy": True}, {"name": "Pets", "kind": "multiple_select"}],
    )
    form = await company.do("get_price_form", uuid="$form")
    assert ("Deeper clean", ["Size", "Pets"]) == (form["name"], [one["name"] for one in form["fields"]["data"]])
    await company.do("delete_price_form", uuid="$form")
    with pytest.raises(Permanent, match="answered 404"):
        await company.do("get_price_form", uuid="$form")


async def test_filters_of_services_go_as_the_vendor_takes_them(company: Account) -> None:
    filters = [{"property": "taxable", "value": True}, {"property": "managed_by", "value": "us"}]
    await company.do("list_price_book_services", q="tune", filters=filters, page_size=5)
    asked = parse_qsl(company.box.requests[-1]["query"])
    assert [
        ("filters[][property]", "taxable"),
        ("filters[][operator]", "eq"),
        ("filters[][value]", "true"),
        ("filters[][property]", "managed_by"),
        ("filters[][operator]", "eq"),
        ("filters[][value]", "us"),
    ] == [pair for pair in asked if pair[0].startswith("filters")]
    assert ("q", "tune") in asked
    found = await company.do("list_price_book_services", fetch_all=True, filters=filters[:1], sort_direction="asc")
    assert ["AC tune-up", "Furnace tune-up"] == [one["name"] for one in found["services"]]


@pytest.mark.parametrize("name", ["create_material", "create_material_category", "create_price_form"])
async def test_what_was_carried_out_is_found_again(company: Account, name: str) -> None:
    inputs = {**TABLE[name][2], "name": "Only once"}
    assert await company.look_up(name, **inputs) is None
    company.box.faults.append(Fault(kind="cut_after"))
    with pytest.raises(Transient):
        await company.do(name, **inputs)
    found = await company.look_up(name, **inputs)
    assert found is not None
    assert "Only once" == found.output["name"]


@pytest.mark.parametrize(
    ("name", "inputs", "told"),
    [
        ("create_material", {**TABLE["create_material"][2], "material_category_uuid": "none"}, "category not found"),
        ("update_price_form", {"uuid": "$form", "name": ""}, "name"),
        ("update_material", {"uuid": "none", "price": 1}, "answered 404"),
    ],
)
async def test_refusals_are_for_good(company: Account, name: str, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Permanent, match=told):
        await company.do(name, **inputs)


# --- jobs and options ---


@pytest.mark.parametrize(("keep", "left"), [(None, ["Filter"]), (True, ["Labor", "Filter"])])
async def test_lines_that_are_not_named_are_kept_only_when_asked(
    company: Account, keep: bool | None, left: list[str]
) -> None:
    lines = [{"name": "Filter", "unit_price": 900}]
    made = await company.do("bulk_update_job_line_items", job_id="$job", line_items=lines, append_line_items=keep)
    assert left == [line["name"] for line in made["data"]]


async def test_jobs_are_locked_between_two_times(company: Account) -> None:
    soon = {"scheduled_start": "2026-05-06T17:30:00Z", "scheduled_end": "2026-05-06T19:30:00Z"}
    later = {"scheduled_start": "2026-06-06T17:30:00Z", "scheduled_end": "2026-06-06T19:30:00Z"}
    first = await company.do("create_job", **JOB, schedule=soon)
    await company.do("create_job", **JOB, schedule=later)
    locked = await company.do("lock_jobs", starting_at="2026-05-01T00:00:00Z", ending_at="2026-05-31T00:00:00Z")
    assert [first["id"]] == [job["id"] for job in locked["jobs"]]
    assert (await company.do("lock_job", job_id="$job"))["locked_at"]


async def test_materials_of_a_job_are_added_and_changed(company: Account) -> None:
    one = {"name": "Pipe", "quantity": 2}
    made = await company.do("bulk_update_job_input_materials", job_id="$job", job_input_materials=[one])
    [entry] = made["job_input_materials"]
    await company.do(
        "bulk_update_job_input_materials",
        job_id="$job",
        job_input_materials=[{"uuid": entry["uuid"], "name": "Pipe", "quantity": 3}],
    )
    [changed] = (await company.do("list_job_input_materials", job_id="$job"))["job_input_materials"]
    assert (entry["uuid"], 3) == (changed["uuid"], changed["quantity"])


async def test_lines_and_notes_of_an_option_are_changed(company: Account) -> None:
    made = await company.do(
        "bulk_update_estimate_option_line_items", **OPTION, line_items=[{"name": "Filter", "unit_price": 900}]
    )
    [line] = made["line_items"]
    changed = {"id": line["id"], "name": "Filter", "unit_price": 1000, "quantity": 2}
    await company.do("bulk_update_estimate_option_line_items", **OPTION, line_items=[changed])
    [shown] = (await company.do("list_estimate_option_line_items", **OPTION))["line_items"]
    assert 2000 == shown["amount"]
    await company.do("delete_estimate_option_note", **OPTION, note_id="$option_note")
    estimate = await company.do("get_estimate", estimate_id="$estimate")
    assert [] == estimate["options"][0]["notes"]


@pytest.mark.parametrize(("given", "sent"), [("1300", 1300), (1300, 1300), ("13-A", "13-A")])
async def test_a_number_for_people_is_sent_as_a_number_where_it_is_one(
    company: Account, given: object, sent: object
) -> None:
    made = await company.do("create_job", **JOB, invoice_number=given)
    assert sent == json.loads(company.box.requests[-1]["body"])["invoice_number"]
    assert str(given) == made["invoice_number"]
    found = await company.look_up("create_job", **JOB, invoice_number=given)
    assert found is not None
    assert made["id"] == found.output["id"]


async def test_an_estimate_is_found_again_by_its_number(company: Account) -> None:
    made = await company.do("create_estimate", customer_id="$customer", estimate_number=88)
    for number in (88, "88"):
        found = await company.look_up("create_estimate", customer_id="$customer", estimate_number=number)
        assert found is not None
        assert made["id"] == found.output["id"]


async def test_working_hours_are_set(company: Account) -> None:
    hours = TABLE["update_schedule_availability"][2]
    await company.do("update_schedule_availability", **hours)
    shown = await company.do("get_schedule_availability")
    assert hours["daily_schedule_windows"] == shown["daily_availabilities"]["data"]
