"""Pages of vendors say what their actions are: the tables are generated and in step with the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.kit.action_table import BEGIN, END, action_table, readme, with_table, write_action_table
from hooks.ports import Vendor
from hooks.registry import VENDORS

WITH_TABLE = [vendor for vendor in VENDORS if BEGIN in readme(vendor).read_text("utf-8")]


@pytest.mark.parametrize("vendor", WITH_TABLE, ids=lambda vendor: vendor.name)
def test_a_pages_table_is_in_step_with_the_code(vendor: Vendor) -> None:
    page = readme(vendor).read_text("utf-8")
    again = f"python -c 'from hooks.kit.action_table import *; from hooks.vendors.{vendor.name} import vendor;"
    assert with_table(page, vendor) == page, f"write it anew: {again} write_action_table(vendor)'"


def test_the_large_vendors_have_a_table() -> None:
    assert {"servicetitan", "housecall_pro"} <= {vendor.name for vendor in WITH_TABLE}


def test_a_table_names_aliases_requests_and_required_inputs() -> None:
    [titan] = [vendor for vendor in VENDORS if vendor.name == "servicetitan"]
    lines = action_table(titan.actions).splitlines()
    assert 2 + len(titan.actions) == len(lines)
    assert (
        "| `delete_customers_contact` (`delet_customers_contact`) (`delete_customer_contact`)"
        " | `DELETE /crm/v2/tenant/{tenant}/customers/{id}/contacts/{contactId}` | `id` `contactId` | sent again"
        " | Remove a way to reach a customer. |"
    ) in lines
    assert any(line.startswith("| `list_jobs` | `GET /jpm/v2/tenant/{tenant}/jobs` | | sent again |") for line in lines)


def test_a_page_without_a_place_for_it_is_told() -> None:
    with pytest.raises(ValueError, match="has no <!-- actions -->"):
        with_table("# A page", VENDORS[0])


def test_a_table_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pages_of_vendors" / VENDORS[0].name
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "README.md").write_text(f"# A page\n\n{BEGIN}\nold\n{END}\nmore\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert write_action_table(VENDORS[0], "pages_of_vendors")
    assert not write_action_table(VENDORS[0], "pages_of_vendors")
    page = (folder / "README.md").read_text("utf-8")
    assert action_table(VENDORS[0].actions) in page
    assert "old" not in page
    assert page.endswith(f"{END}\nmore\n")
