"""Pick lists against the vendors' stand-ins: what is there, what is not, and that nothing but reading happens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hooks.errors import Unconfigured
from hooks.kit.picks import AT_ONCE, absent, pick_for, whole_list
from hooks.kit.sandbox import Fault
from hooks.vendors.homebase360 import picks as homebase_picks
from hooks.vendors.homebase360.client import Homebase360Client, Homebase360Settings
from hooks.vendors.homebase360.sandbox import API_KEY
from hooks.vendors.homebase360.sandbox import sandbox as homebase_sandbox
from hooks.vendors.housecall_pro import picks as hcp_picks
from hooks.vendors.jobcloser import picks as jobcloser_picks
from hooks.vendors.jobcloser.client import JobCloserClient, JobCloserSettings
from hooks.vendors.jobcloser.sandbox import COMPANY_ID, KEY
from hooks.vendors.jobcloser.sandbox import sandbox as jobcloser_sandbox
from hooks.vendors.servicetitan import picks as titan_picks
from hooks.vendors.servicetitan.client import ServiceTitanClient, ServiceTitanSettings
from hooks.vendors.servicetitan.sandbox import APP_KEY, CLIENT_ID, CLIENT_SECRET
from hooks.vendors.servicetitan.sandbox import sandbox as titan_sandbox

AT = "http://127.0.0.1"
ALL = [pick for module in (titan_picks, hcp_picks, homebase_picks, jobcloser_picks) for pick in module.PICKS.values()]


def titan() -> tuple[ServiceTitanClient, Any]:
    app = titan_sandbox()
    keys = {"app_key": APP_KEY, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    given = {"base_url": AT, "auth_url": f"{AT}/connect/token", "tenant": 1, **keys}
    settings = ServiceTitanSettings.model_validate(given)
    return ServiceTitanClient("titan", settings, transport=httpx.ASGITransport(app)), app.state.sandbox


async def test_more_ids_than_fit_one_question_are_asked_in_several() -> None:
    client, box = titan()
    pick = titan_picks.PICKS["select_technician"]
    wanted = [*map(str, range(1000, 1000 + AT_ONCE)), "501", "502", "nobody", "501"]

    missing = await absent(client, pick, wanted, 30.0)

    assert [*map(str, range(1000, 1000 + AT_ONCE)), "nobody"] == missing
    assert ["POST", "GET", "GET"] == [one["method"] for one in box.requests]


async def test_a_refusal_is_raised_and_never_counts_as_absent() -> None:
    client, box = titan()
    box.faults.append(Fault(kind="status", status=403, count=9))

    with pytest.raises(Unconfigured):
        await absent(client, titan_picks.PICKS["select_technician"], ["501"], 30.0)


async def test_a_list_that_can_only_be_searched_is_asked_for_each_id() -> None:
    app = homebase_sandbox()
    settings = Homebase360Settings.model_validate({"base_url": f"{AT}/api/v1", "api_key": API_KEY})
    client = Homebase360Client("homebase", settings, transport=httpx.ASGITransport(app))
    app.state.sandbox.add("customers", {"customerId": "cus_1", "firstName": "Maya"})

    missing = await absent(client, homebase_picks.PICKS["select_customer"], ["cus_1", "cus_2"], 30.0)

    assert ["cus_2"] == missing
    assert ["GET", "GET"] == [one["method"] for one in app.state.sandbox.requests]


async def test_crews_of_jobcloser_are_those_of_the_connections_company() -> None:
    app = jobcloser_sandbox()
    settings = JobCloserSettings.model_validate({"base_url": AT, "key": KEY, "company_id": COMPANY_ID})
    client = JobCloserClient("closer", settings, transport=httpx.ASGITransport(app))
    app.state.sandbox.add("crews", {"Id": "c1", "Name": "North"})
    pick = jobcloser_picks.PICKS["select_crew"]

    assert [{"key": "c1", "label": "North"}] == await whole_list(client, pick, 30.0)
    assert ["c2"] == await absent(client, pick, ["c1", "c2"], 30.0)


@pytest.mark.parametrize(
    ("field", "path", "name"),
    [
        ("technicianIds", "/anything", "select_technician"),
        ("id", "/jpm/v2/tenant/{tenant}/jobs/{id}", "select_job"),
        ("id", "/jpm/v2/tenant/{tenant}/jobs/{id}/cancel", "select_job"),
        ("id", "/jpm/v2/tenant/{tenant}/jobs", None),
        ("name", "/jpm/v2/tenant/{tenant}/jobs/{id}", None),
        ("tenant", "/jpm/v2/tenant/{tenant}/jobs/{id}", None),
    ],
)
def test_an_input_is_known_by_its_name_or_by_the_address_it_ends(field: str, path: str, name: str | None) -> None:
    found = pick_for(titan_picks.PICKS, field, path)

    assert name == (None if found is None else found.name)


@pytest.mark.parametrize("pick", ALL, ids=lambda pick: pick.name)
def test_a_pick_list_is_read_by_an_action_that_changes_nothing(pick: Any) -> None:
    assert ("GET", True) == (pick.lister.method, pick.lister.repeatable)
    assert pick.asked_by is None or pick.asked_by in pick.lister.inputs.model_fields
    assert pick.fields and pick.noun
