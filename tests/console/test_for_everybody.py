"""The console for everybody: by keyboard, on a telephone, in the dark, and as axe-core judges it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.console.conftest import ROOT, Desk, Town

pytestmark = pytest.mark.timeout(180)

AXE = ROOT / "build" / "console" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/", "/events", "/runs", "/runs?state=held", "/rules", "/rules/edit", "/rules/history", "/rules/history/1",
    "/connections", "/people", "/receipts", "/vendors", "/vendors/homebase360", "/settings", "/settings/changes",
)  # fmt: skip

WIDE = """width => [...document.querySelectorAll("body *")].filter(one => one.scrollWidth > width)
    .map(one => `${one.tagName} ${one.className}`).slice(0, 12)"""


def some_records(desk: Desk) -> list[str]:
    """The pages of an event, a run, a receipt and a person."""
    found = []
    for listing in ("/events?state=matched", "/runs", "/receipts"):
        desk.go(listing)
        found.append(desk.page.locator("tbody a.id").last.get_attribute("href") or "")
    desk.go("/people")
    return [*found, desk.page.locator('[data-live=people] a[href^="/people/"]').first.get_attribute("href") or ""]


@pytest.mark.parametrize("width", [375, 1440])
def test_no_page_is_wider_than_the_screen(browser: Browser, town: Town, width: int) -> None:
    desk = Desk(browser, town, viewport={"width": width, "height": 800})
    desk.sign_in()
    for there in (*PAGES, *some_records(desk)):
        desk.go(there)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= width, (
            there,
            desk.page.evaluate(WIDE, width),
        )
        if there in ("/", "/events"):
            desk.shoot(f"{width}-{there.strip('/') or 'overview'}")
    desk.close()


@pytest.mark.parametrize("width", [375, 1440])
def test_a_name_of_any_length_leaves_the_lists_as_they_were(browser: Browser, town: Town, width: int) -> None:
    names = ("W" * 3000, "\u202e" + "x\u0000" * 400, "<b>" * 900)
    event = town.leads(
        [{"Name": name, "Phone": f"303-555-{3000 + width + place}"} for place, name in enumerate(names)]
    )[0]
    desk = Desk(browser, town, viewport={"width": width, "height": 800})
    desk.sign_in()
    for there in ("/events", "/runs", "/people", "/", f"/events/{event}"):
        desk.go(there)
        wide = "[...document.querySelectorAll('section.card, h1')].filter(one => one.scrollWidth > one.clientWidth + 1)"
        assert 0 == desk.page.evaluate(f"{wide}.length"), (
            there,
            desk.page.evaluate(f"{wide}.map(one => one.outerHTML)"),
        )
        rows = "[...document.querySelectorAll('tbody tr')].map(one => one.clientHeight)"
        assert max([0, *desk.page.evaluate(rows)]) < 300, there
    desk.close()


def test_whoever_has_no_mouse_signs_in_searches_and_reads(browser: Browser, town: Town) -> None:
    desk = Desk(browser, town)
    page = desk.go("/events")
    page.keyboard.press("Shift+Tab")
    page.get_by_label("Admin token").focus()
    page.keyboard.type(town.token)
    page.keyboard.press("Enter")
    page.wait_for_url(town.console + "/events")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused: dict[str, Any] = page.evaluate(
            "() => { const at = document.activeElement; const style = getComputedStyle(at); return {"
            "name: at.getAttribute('aria-label') || at.name || at.textContent.trim().slice(0, 30), "
            "seen: style.outlineStyle !== 'none' }; }"
        )
        assert focused["seen"], f"the focus on {focused['name']} cannot be seen"
        reached.add(focused["name"])
    assert {"Overview", "Runs", "q", "type", "Show"} <= reached
    desk.close()


def test_the_editor_lets_the_keyboard_out(desk: Desk) -> None:
    page = desk.go("/rules/edit")
    area = page.get_by_role("textbox", name="The rules file")
    area.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(area).not_to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, town: Town, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `make console` gets it from npm and runs these tests")
    desk = Desk(browser, town, color_scheme=scheme)
    desk.sign_in()
    found = []
    for there in (*PAGES, *some_records(desk)):
        desk.go(there)
        found += [f"{there}: {one}" for one in judged(desk, AXE)]
        if there == "/":
            desk.shoot(f"{scheme}-overview")
    desk.go("/sign-in")
    found += [f"sign-in: {one}" for one in judged(desk, AXE)]
    desk.close()
    assert [] == found


def judged(desk: Desk, axe: Path) -> list[str]:
    """The serious findings on the page that is open."""
    desk.page.evaluate(axe.read_text(encoding="utf-8"))
    report: dict[str, Any] = desk.page.evaluate("() => axe.run()")
    return [
        f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}"
        for one in report["violations"]
        if one["impact"] in ("serious", "critical")
    ]
