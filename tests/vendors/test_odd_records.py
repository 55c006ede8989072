"""Records of a vendor that are not as its document says: compared and brought up to date all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hooks.vendors.homebase360 import people as homebase360
from hooks.vendors.housecall_pro import people as housecall_pro

HOMEBASE = {"phone": {"mobile": "+13035550142"}, "email": ["maya@example.org"], "tags": ["vip"], "address": ["1 A St"]}
HOUSECALL = {
    "email": "maya@example.org",
    "mobile_number": "3035550142",
    "tags": ["vip"],
    "addresses": [{"street": "1 A St", "city": "Golden", "state": "CO", "zip": "80401"}],
}


@pytest.mark.parametrize(
    ("record", "written"),
    [
        ({"email": "maya@example.org", "tags": "vip", "address": "1 A St", "phone": HOMEBASE["phone"]}, {}),
        ({**HOMEBASE, "tags": "old"}, {"tags": ["old", "vip"]}),
        ({**HOMEBASE, "email": [{"address": "x"}], "tags": 5}, {"email": ["maya@example.org"], "tags": ["vip"]}),
        ({**HOMEBASE, "phone": {"mobile": ["x"], "home": "+13035550142"}}, {}),
        ({**HOMEBASE, "phone": "+13035550142"}, {"phone": HOMEBASE["phone"]}),
    ],
)
def test_a_single_text_is_a_list_of_one_at_homebase360(record: dict[str, Any], written: dict[str, Any]) -> None:
    assert written == homebase360.changes(record, HOMEBASE, notes=None)


@pytest.mark.parametrize(
    ("record", "written"),
    [
        ({**HOUSECALL, "tags": "vip"}, {}),
        ({**HOUSECALL, "tags": "old"}, {"tags": ["old", "vip"]}),
        ({**HOUSECALL, "tags": True, "addresses": 5}, {"tags": ["vip"]}),
    ],
)
def test_a_single_text_is_a_list_of_one_at_housecall_pro(record: dict[str, Any], written: dict[str, Any]) -> None:
    assert written == housecall_pro.changes(record, HOUSECALL)


@pytest.mark.parametrize("places", [5, True, "1 A St", None, [None, "1 A St"]])
def test_addresses_that_are_none_are_not_there(places: Any) -> None:
    [made] = housecall_pro.new_places({**HOUSECALL, "addresses": places}, HOUSECALL)
    assert "1 A St" == made["street"]


@pytest.mark.parametrize("same", [homebase360.same_person, housecall_pro.same_person])
@pytest.mark.parametrize("junk", [5, True, [["x"]], [{}], {"mobile": [1]}, "x"])
def test_odd_values_are_nobodys(same: Callable[[Any, Any], bool], junk: Any) -> None:
    wanted = {
        **HOMEBASE,
        **HOUSECALL,
        "email": HOMEBASE["email"] if same is homebase360.same_person else "m@example.org",
    }
    assert not same({"phone": junk, "email": junk, "mobile_number": junk}, wanted)
