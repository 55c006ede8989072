"""`hooks check --live`: ids that stand in the rules are looked up at the vendors, by reading only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.town import Town, secrets, without_secrets

RULES = """\
vars: {visitor: VISITOR}
rules:
  - id: assign
    event: job.completed
    do:
      - action: servicetitan.assign_technicians
        with:
          jobAppointmentId: ${number(data.number)}
          technicianIds: [501, FIRST]
      - action: servicetitan.update_technician
        with: {id: SECOND, name: Lee}
      - action: servicetitan.unassign_technicians
        with: {jobAppointmentId: "${number(data.number)}", technicianIds: ["${vars.visitor}"]}
      - action: housecall_pro.create_customer
        with: {first_name: Maya, tags: ["999"]}
"""


def write(town: Town, first: Any = 502, second: Any = 501, visitor: Any = 502) -> None:
    rules = RULES.replace("FIRST", str(first)).replace("SECOND", str(second)).replace("VISITOR", str(visitor))
    town.write(rules=rules)


def line_of(town: Town, text: str) -> int:
    lines = (town.folder / "routes.yaml").read_text().split("\n")
    return 1 + next(number for number, line in enumerate(lines) if text in line)


def test_ids_that_are_there_are_counted_and_nothing_is_written(town: Town) -> None:
    write(town)

    code, out, _ = town.run("check", "--live")

    assert 0 == code, out
    assert "4 ids are there, as the vendors say." in out
    token, *asked = town.sandboxes.requests("servicetitan")
    assert "/connect/token" in token["path"]
    assert {"GET"} == {request["method"] for request in asked}
    assert [] == town.sandboxes.requests("homebase360")


@pytest.mark.parametrize(
    ("wrong", "place", "value"),
    [
        ({"first": 503}, "technicianIds: [501", "503"),
        ({"second": 51}, "{id: 51", "51"),
        ({"visitor": 602}, "${vars.visitor}", "602"),
    ],
)
def test_an_id_that_is_not_there_is_found_with_its_line_and_the_nearest(
    town: Town, wrong: dict[str, int], place: str, value: str
) -> None:
    write(town, **wrong)

    code, found = town.json("check", "--live")

    [finding] = [one for one in found["findings"] if one["severity"] == "error"]
    assert (3, False) == (code, found["ok"])
    assert line_of(town, place) == finding["line"]
    assert ("assign", "error") == (finding["rule"], finding["severity"])
    assert f"titan has no technician {value}" in finding["message"]
    assert "did you mean 50" in finding["hint"]
    assert "hooks vendors servicetitan --pick technician --connection titan" in finding["hint"]


def test_the_caret_is_under_the_id(town: Town) -> None:
    write(town, first=503)

    _, out, _ = town.run("check", "--live")

    lines = out.split("\n")
    shown = next(number for number, line in enumerate(lines) if "technicianIds: [501, 503]" in line)
    assert lines[shown].index("503") == lines[shown + 1].index("^^^")


def test_ids_of_other_vendors_are_asked_there(town: Town) -> None:
    town.write(
        rules="""\
rules:
  - id: others
    event: job.completed
    do:
      - action: housecall_pro.create_lead
        with: {customer: {first_name: Maya}, assigned_employee_id: pro_nobody}
      - action: homebase360.update_customer
        with: {customerId: cus_nobody, notes: Hello}
"""
    )

    code, found = town.json("check", "--live")

    told = " ".join(finding["message"] for finding in found["findings"])
    assert 3 == code
    assert "hcp has no employee pro_nobody" in told
    assert "homebase has no customer cus_nobody" in told


def test_a_vendor_that_refuses_is_a_warning_and_the_rest_is_looked_up(town: Town) -> None:
    write(town)
    town.know(ST_CLIENT_SECRET="an-entirely-wrong-value")

    code, out, err = town.run("check", "--live")

    assert 4 == code
    assert "titan could not be asked whether this technician is there" in out
    assert "hooks connections test titan" in out
    assert without_secrets(out + err, {**secrets(), "ST_CLIENT_SECRET": "an-entirely-wrong-value"})


def test_a_secret_that_is_not_set_is_told_as_always(town: Town) -> None:
    write(town)
    town.monkeypatch.delenv("ST_CLIENT_SECRET")

    code, out, _ = town.run("check", "--live")

    assert 3 == code
    assert "the secret ST_CLIENT_SECRET is not set" in out
    assert [] == town.sandboxes.requests("servicetitan")


def test_without_secrets_nobody_can_be_asked(town: Town) -> None:
    code, out, err = town.run("check", "--live", "--without-secrets")

    assert (2, "") == (code, out)
    assert "needs the secrets" in err
