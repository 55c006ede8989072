"""`hooks vendors VENDOR --pick LIST`: ids with labels for whoever fills in rules, read at the vendor."""

from __future__ import annotations

import pytest

from hooks.cli.vendors import pick_name
from hooks.vendors.servicetitan.picks import PICKS
from tests.cli.town import CONNECTIONS, Town


def test_technicians_are_listed_with_their_ids(town: Town) -> None:
    code, out, _ = town.run("vendors", "servicetitan", "--pick", "technicians", "--connection", "titan")

    assert 0 == code
    assert ["key  label", "501  Lee Park (ID: 501)", "502  Ana Silva (ID: 502)"] == out.splitlines()


def test_as_json_it_is_what_the_vendors_own_lists_give(town: Town) -> None:
    code, found = town.json("vendors", "servicetitan", "--pick", "technicians")

    assert 0 == code
    assert {
        "result": [{"key": "501", "label": "Lee Park (ID: 501)"}, {"key": "502", "label": "Ana Silva (ID: 502)"}]
    } == (found)


def test_employees_of_housecall_pro_are_listed(town: Town) -> None:
    code, found = town.json("vendors", "housecall_pro", "--pick", "employees")

    assert 0 == code
    assert found["result"]
    assert {"key", "label"} == set(found["result"][0])


@pytest.mark.parametrize("name", sorted(PICKS))
def test_every_list_can_be_read_and_nothing_is_changed(town: Town, name: str) -> None:
    code, found = town.json("vendors", "servicetitan", "--pick", name.removeprefix("select_"))

    assert 0 == code
    assert {"result"} == set(found)
    token, *asked = town.sandboxes.requests("servicetitan")
    assert "/connect/token" in token["path"]
    assert {"GET"} == {request["method"] for request in asked}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("technicians", "select_technician"),
        ("technician", "select_technician"),
        ("select_technician", "select_technician"),
        ("selectTechnician", "select_technician"),
        ("customer", "select_customers"),
        ("installed-equipment", "select_installed_equipment"),
        ("JOBS", "select_job"),
    ],
)
def test_a_list_may_be_named_as_people_name_it(given: str, meant: str) -> None:
    assert meant == pick_name(given, PICKS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["servicetitan", "--pick", "technicans"], "did you mean 'technician'?"),
        (["servicetitan", "--pick", "planets"], "There are appointment, booking"),
        (["homebase360", "--pick", "jobs"], "homebase360 has no pick lists"),
        (["servicetitan", "--pick", "jobs", "--connection", "homebase"], "not of servicetitan"),
        (["servicetitan", "--pick", "jobs", "--connection", "nobody"], "there is no connection 'nobody'"),
        (["servicetitan.list_jobs", "--pick", "jobs"], "hooks vendors servicetitan --pick technicians"),
        (["--pick", "jobs"], "hooks vendors servicetitan --pick technicians"),
        (["--markdown", "--json"], "give it alone"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_told(town: Town, arguments: list[str], told: str) -> None:
    code, out, err = town.run("vendors", *arguments)

    assert (2, "") == (code, out)
    assert told in err


def test_of_two_accounts_one_must_be_named(town: Town) -> None:
    other = CONNECTIONS[CONNECTIONS.index("  titan:") : CONNECTIONS.index("  good:")].replace("titan:", "harbor:")
    town.write(connections=CONNECTIONS + other)

    code, _, err = town.run("vendors", "servicetitan", "--pick", "jobs")

    assert 2 == code
    assert "say which connection with --connection: titan, harbor" in err


def test_a_vendor_that_refuses_is_told_in_a_sentence(town: Town) -> None:
    town.know(ST_CLIENT_SECRET="an-entirely-wrong-value")

    code, out, err = town.run("vendors", "servicetitan", "--pick", "jobs")

    assert (1, "") == (code, out)
    assert err.startswith("hooks: token: ")
    assert "an-entirely-wrong-value" not in err
