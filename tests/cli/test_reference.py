"""The page docs/reference/vendors.md: in step with the code, and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hooks
from hooks.cli.reference import confidence, is_judged, vendors_page
from hooks.cli.tree import run
from hooks.ports import Vendor
from hooks.registry import VENDORS
from tests.vendors.documents.every import EVERY

ROOT = Path(hooks.__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "vendors.md"


def part(vendor: Vendor) -> str:
    """What the page says of one vendor."""
    found = re.search(rf'<a id="{vendor.name}"></a>(.*?)(?=<a id=|\Z)', vendors_page(VENDORS), re.S)
    assert found is not None
    return found[1]


def test_the_page_is_in_step_with_the_code() -> None:
    assert vendors_page(VENDORS) == PAGE.read_text("utf-8"), "run `make docs`"


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["vendors", "--markdown"])

    assert vendors_page(VENDORS) == capsys.readouterr().out


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_action_event_and_doubt_is_there(vendor: Vendor) -> None:
    text = part(vendor)

    for action in vendor.actions:
        for name in (action.name, *action.aliases):
            assert f"`{name}`" in text
        assert f"`{action.method} {action.path}`" in text
        assert f"`{action.operation}`" in text
    assert [] == [kind.vendor_type for kind in vendor.kinds if f"`{kind.vendor_type}`" not in text]
    assert [] == [doubt for doubt in vendor.doubts.values() if doubt not in text]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_row_of_a_table_has_all_its_cells(vendor: Vendor) -> None:
    width = 0
    for line in part(vendor).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        if not cells:
            width = 0
        elif width == 0:
            width = cells
        assert cells == width, line


def test_what_is_said_of_a_row_is_so() -> None:
    (jobcloser,) = (vendor for vendor in VENDORS if vendor.name == "jobcloser")
    rows = {line.split("`")[1]: line for line in part(jobcloser).splitlines() if line.startswith("| `")}

    assert "| no | held | sandbox, Prism | medium | Where the key goes" in rows["create_lead"]
    assert "| yes | sent again | sandbox, Prism | high | |" in rows["list_jobs"]
    assert "| no | held | sandbox | ours | Ours" in rows["send_lead"]


def test_what_is_said_to_be_tested_is_tested() -> None:
    pages = {page.stem for page in (ROOT / "tests" / "prism").glob("*.txt")}
    for document in EVERY:
        vendor = document.vendor
        judged = {action.name for action in vendor.actions if is_judged(vendor, action)}
        assert (set(document.table) - {"raw_request"} if vendor.name in pages else set()) == judged, vendor.name
        ours = {action.name for action in vendor.actions if confidence(vendor, action) == "ours"}
        assert set(document.ours) == ours, vendor.name
        if vendor.actions:
            assert ", sandbox" not in part(vendor)
            assert len(vendor.actions) == len(re.findall(r"\| sandbox(, Prism)? \|", part(vendor)))
