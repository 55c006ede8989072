"""What people come to the console for, each as somebody does it: in a real browser, on a real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from hooks.web.auth import create_token
from tests.console.conftest import Desk, Town

pytestmark = pytest.mark.timeout(180)

CONTROLS = """async ([there, changing]) => {
    const text = await (await fetch(there, {headers: {accept: "text/html"}})).text();
    const read = new DOMParser().parseFromString(text, "text/html");
    return [!!read.querySelector(".note")?.textContent.includes("signed in to read only"),
            read.querySelectorAll(changing).length];
}"""

ANOTHER = """\
  - id: another
    event: job.created
    do:
      - action: http.request
        with: {{method: POST, path: {path}}}
"""


def test_did_mrs_ortiz_booking_go_through(desk: Desk) -> None:
    page = desk.page
    page.get_by_role("searchbox").first.fill("Ortiz")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Maya Ortiz")).to_be_visible()
    page.get_by_role("link", name="lead-to-servicetitan: done").first.click()
    expect(page.get_by_role("heading", name="lead-to-servicetitan")).to_be_visible()
    expect(page.locator(".steps > li").first).to_contain_text("servicetitan.create_booking_by_provider")
    expect(page.locator(".steps > li").first).to_contain_text("status 200")
    desk.shoot("run")


def test_the_way_of_an_event_ends_at_the_vendors_record(desk: Desk) -> None:
    page = desk.go("/events?type=job.completed&state=matched")
    page.locator("table a.id").first.click()
    way = page.get_by_label("The journey of this event")
    for part in ("received", "read", "matched", "upsert_customer", "create_job", "record in homebase"):
        expect(way).to_contain_text(part)
    expect(page.get_by_role("img", name=re.compile("tries in"))).to_be_visible()
    expect(page.locator(".lit li.true").filter(has_text="data.total_cents >= 5000")).to_be_visible()
    desk.shoot("event")


def test_why_a_rule_did_not_fire_is_shown_on_its_own_lines(desk: Desk) -> None:
    page = desk.go("/events?q=do-not-sync")
    page.locator("table a.id").first.click()
    line = page.locator(".lit li.false:visible")
    expect(line).to_contain_text('not data.tags contains "do-not-sync"')
    expect(line).to_contain_text("does not hold")
    expect(line).to_contain_text("data.tags")
    desk.shoot("why-not")


def test_failed_runs_are_tried_again_all_at_once(desk: Desk) -> None:
    page = desk.go("/runs?state=failed")
    expect(page.locator("table")).to_contain_text("answered 422")
    page.get_by_role("button", name="Choose all on this page").click()
    page.get_by_role("button", name="Try the chosen again").click()
    expect(page.get_by_role("status")).to_contain_text("done")
    expect(page.locator("table")).to_contain_text("No runs fit", timeout=20_000)


def test_forty_failed_runs_of_one_rule_are_tried_again_in_two_clicks(desk: Desk, town: Town) -> None:
    fault = {"kind": "status", "status": 422, "path": "/bookings", "method": "POST", "count": 40}
    town.post(f"{town.sandboxes}/servicetitan/_sandbox/faults", fault)
    town.leads([{"Name": f"Lead {number}", "Phone": f"303-555-{1000 + number}"} for number in range(40)])
    page = desk.go("/runs?state=failed&rule=lead-to-servicetitan")
    expect(page.locator("tbody input[type=checkbox]")).to_have_count(40, timeout=30_000)
    expect(page.locator("tbody tr").first).to_contain_text("Lead ")
    desk.shoot("failed")
    page.get_by_role("button", name="Try all failed again").click()
    expect(page.get_by_role("status")).to_contain_text("40 done", timeout=30_000)
    expect(page.locator("table")).to_contain_text("No runs fit", timeout=30_000)


def test_failed_runs_are_given_up_all_at_once_and_need_nobody_then(desk: Desk, town: Town) -> None:
    fault = {"kind": "status", "status": 422, "path": "/bookings", "method": "POST", "count": 3}
    town.post(f"{town.sandboxes}/servicetitan/_sandbox/faults", fault)
    town.leads([{"Name": f"Nobody {number}", "Phone": f"303-555-{2000 + number}"} for number in range(3)])
    page = desk.go("/runs?state=failed&rule=lead-to-servicetitan")
    expect(page.locator("tbody input[type=checkbox]")).to_have_count(3, timeout=30_000)
    page.get_by_role("button", name="Give all failed up").click()
    expect(page.get_by_role("status")).to_contain_text("3 done", timeout=30_000)
    expect(page.locator("table")).to_contain_text("No runs fit", timeout=30_000)
    page.get_by_role("link", name="given up 3").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("button", name="Try all given up again")).to_be_visible()
    expect(page.get_by_role("button", name="Give all")).to_have_count(0)
    desk.go("/")
    expect(page.locator(".figures")).to_contain_text("and 3 given up")
    expect(page.locator("main")).not_to_contain_text("Nobody 1")


def test_who_may_only_read_is_told_so_and_finds_nothing_that_changes_anything(browser: Browser, town: Town) -> None:
    desk = Desk(browser, town)
    page = desk.sign_in(token=create_token(town.folder / "data", "read"))
    changing = (
        "[data-post]:not([data-post='/sign-out']), [data-form], [data-replay], [data-publish], [data-each], "
        "[data-many], .danger"
    )
    pages = ("/", "/runs?state=failed", "/runs?state=held", "/rules", "/rules/edit", "/rules/history", "/connections",
             "/people", "/receipts", "/vendors/homebase360", "/settings")  # fmt: skip
    records = []
    for listing in ("/events?state=matched", "/runs?state=held", "/receipts"):
        desk.go(listing)
        records.append(page.locator("tbody a.id").last.get_attribute("href") or "")
    for there in (*pages, *records):
        assert [True, 0] == page.evaluate(CONTROLS, [there, changing]), there
    desk.go("/rules/edit")
    expect(page.locator("main")).to_contain_text("needs a token that may act")
    desk.go(records[2])
    expect(page.locator("main")).to_contain_text("Bodies are shown to those who may act")
    refused = page.evaluate("fetch('/api/v1/connections/titan/pause', {method: 'POST'}).then(answer => answer.status)")
    assert 403 == refused
    desk.complaints.clear()  # the browser notes the 403 as an error of the network
    desk.close()


def test_included_files_are_edited_together_and_published_together_or_not_at_all(desk: Desk, town: Town) -> None:
    main, part = town.folder / "routes.yaml", town.folder / "parts" / "more.yaml"
    before = main.read_text()
    part.parent.mkdir()
    part.write_text("version: 1\nrules:\n" + ANOTHER.format(path="/more"))
    town.act("rules", {"text": before.replace("version: 1\n", "version: 1\ninclude: parts/*.yaml\n", 1)})
    page = desk.go("/rules/edit")
    area = page.get_by_role("textbox", name="The rules file")
    area.fill(area.input_value().replace("data.total_cents >= 5000", "data.total_cents >= 6000"))
    files = page.get_by_role("group", name="Files")
    files.get_by_role("button", name="parts/more.yaml").click()
    expect(area).to_have_value(re.compile("path: /more"))
    area.fill(area.input_value().replace("http.request", "http.reqest"))
    expect(files.get_by_role("button", name="parts/more.yaml")).to_contain_text("changed · 1 mistake")
    expect(files.get_by_role("button", name="routes.yaml")).to_have_text("routes.yaml · changed")
    desk.shoot("files")
    with page.expect_response(lambda answer: answer.status == 422):
        page.get_by_role("button", name="Publish").click()
    expect(page.locator(".findings .error")).to_contain_text("parts/more.yaml, line")
    assert "6000" not in main.read_text()
    area.fill(area.input_value().replace("http.reqest", "http.request").replace("/more", "/most"))
    expect(page.locator("#verdict")).to_contain_text("It can be published")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(town.console + "/rules")
    assert (True, True) == ("6000" in main.read_text(), "/most" in part.read_text())
    expect(page.locator("tr#another")).to_contain_text("more.yaml, line 3")
    desk.complaints = [said for said in desk.complaints if "422" not in said]  # which a browser calls an error
    town.act("rules", {"text": before})


def test_a_vendor_that_is_down_is_paused_and_resumed(desk: Desk) -> None:
    page = desk.go("/connections")
    card = page.locator("#titan")
    card.get_by_label("Why").fill("their maintenance")
    card.get_by_role("button", name="Pause").click()
    expect(card.locator(".state")).to_have_text("paused")
    expect(card).to_contain_text("their maintenance")
    desk.shoot("connections")
    card.get_by_role("button", name="Resume").click()
    expect(card.locator(".state")).to_have_text("works")
    card.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status")).to_contain_text("ok")
    desk.go("/settings")
    expect(page.locator("table").last).to_contain_text("connections.resume")
    expect(page.locator("table").last).to_contain_text("Ana")


def test_a_person_says_what_became_of_an_unknown_outcome(desk: Desk) -> None:
    page = desk.go("/runs?state=held&rule=tell-the-office")
    page.locator("table a.id").last.click()
    expect(page.get_by_text("its outcome is unknown")).to_be_visible()
    desk.shoot("held")
    page.get_by_role("button", name="It was carried out").click()
    expect(page.locator("h1 .state")).to_have_text("done", timeout=20_000)


def test_a_rule_is_edited_with_its_backtest_published_and_rolled_back(desk: Desk) -> None:
    page = desk.go("/rules/edit")
    area = page.get_by_role("textbox", name="The rules file")
    before = area.input_value()
    area.fill(before.replace("data.total_cents >= 5000", "data.total_cents >= 20000"))
    expect(page.locator("#verdict")).to_contain_text("It can be published")
    page.get_by_role("button", name="Compare with the rules in force").click()
    expect(page.locator("[data-backtested]")).to_contain_text("removed")
    expect(page.locator("[data-backtested]")).to_contain_text("job-to-homebase")
    desk.shoot("editor")
    page.get_by_label("Why").fill("only large jobs")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(desk.town.console + "/rules")
    expect(page.locator(".file")).to_contain_text("data.total_cents >= 20000")
    page.get_by_role("link", name="History").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Ana")
    expect(row).to_contain_text("only large jobs")
    row.get_by_role("link").first.click()
    expect(page.locator(".diff .came").last).to_contain_text(">= 20000")
    desk.shoot("version")
    page.get_by_role("link", name="History").last.click()
    page.locator("tbody tr").nth(1).get_by_role("button", name="Put back").click()
    expect(page.locator("tbody tr").first).to_contain_text("rollback")
    desk.go("/rules")
    expect(page.locator(".file")).to_contain_text("data.total_cents >= 5000")


def test_what_is_under_a_pressed_button_of_the_mouse_is_not_replaced(desk: Desk) -> None:
    page = desk.go("/events")
    page.mouse.move(2, 2)
    page.mouse.down()
    page.evaluate(
        "() => { document.querySelector('[data-live]').append('old');"
        " refresh(true).then(() => { window.renewed = true; }); }"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.querySelector('[data-live]').textContent.endsWith('old') && !window.renewed")
    page.mouse.up()
    page.wait_for_function("() => window.renewed")
    assert not page.evaluate("() => document.querySelector('[data-live]').textContent.endsWith('old')")


def test_two_who_edit_at_the_same_time_do_not_overwrite_each_other(desk: Desk) -> None:
    page = desk.go("/rules/edit")
    area = page.get_by_role("textbox", name="The rules file")
    text = area.input_value()
    answer = page.evaluate(
        "text => fetch('/api/v1/rules', {method: 'POST', headers: {'content-type': 'application/json'}, "
        "body: JSON.stringify({text})}).then(answer => answer.status)",
        text + "# somebody else was here\n",
    )
    assert 200 == answer
    area.fill(text + "# and so was I\n")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#verdict")).to_contain_text("somebody has changed the rules since")
    assert "# and so was I" in area.input_value(), "what was written is still there"
    desk.complaints.clear()  # the browser notes the 409 as an error of the network
    area.fill(text)


def test_mistakes_are_shown_while_somebody_types_and_keys_are_completed(desk: Desk) -> None:
    page = desk.go("/events?type=job.completed&state=matched")
    page.locator("table a.id").first.click()
    page.get_by_role("link", name="Try another rule on this event").click()
    area = page.get_by_role("textbox", name="The rules file")
    text = area.input_value()
    area.fill(text.replace("action: jobcloser.send_lead", "action: jobcloser.send_led"))
    expect(page.locator(".findings .error")).to_contain_text("did you mean")
    expect(page.locator(".gutter .error")).to_have_count(1)
    area.fill(
        text
        + "\n  - id: another\n    event: job.created\n    do:\n      - action: homebase360.create_job\n        with:\n"
    )
    area.press("Control+End")
    area.press_sequentially("          custo", delay=30)
    expect(page.locator(".choices li").first).to_contain_text("customerId")
    area.press("Enter")
    assert area.input_value().endswith("          customerId: ")
    area.press_sequentially("${data.cu", delay=30)
    expect(page.locator(".choices li").first).to_contain_text("customer")
    desk.shoot("completion")
    area.press("Escape")
    area.fill(text)


def test_a_draft_is_explained_on_a_chosen_event(desk: Desk) -> None:
    page = desk.go("/events?q=do-not-sync")
    page.locator("table a.id").first.click()
    page.get_by_role("link", name="Try another rule on this event").click()
    area = page.get_by_role("textbox", name="The rules file")
    area.fill(area.input_value().replace('"do-not-sync"', '"something else"'))
    page.get_by_role("button", name="Explain").click()
    rule = page.locator("[data-explained] details", has_text="job-to-homebase")
    expect(rule.locator("summary .state")).to_have_text("matched")
    expect(rule).to_contain_text("POST")
    area.fill("")


def test_a_replay_says_first_what_it_would_do(desk: Desk) -> None:
    page = desk.go("/events?type=job.completed&state=matched")
    page.locator("table a.id").first.click()
    page.get_by_role("button", name="What would happen?").click()
    expect(page.locator("[data-forecast]")).to_contain_text("No request would leave")
    page.get_by_label("How").select_option("force")
    page.get_by_role("button", name="What would happen?").click()
    expect(page.locator("[data-forecast]")).to_contain_text("job-to-homebase")
    expect(page.get_by_role("button", name="Replay now")).to_be_visible()
    desk.shoot("replay")


def test_a_doubt_about_two_people_is_settled(desk: Desk) -> None:
    page = desk.go("/people")
    review = page.locator("[data-live=review]")
    expect(review).to_contain_text("Luis Ortega")
    desk.shoot("people")
    review.get_by_role("button", name="Two").first.click()
    expect(page.get_by_role("status")).to_contain_text("Done")
    page.reload()
    expect(page.get_by_text("One person or two?")).to_have_count(0)


def test_what_comes_in_appears_by_itself(desk: Desk, town: Town) -> None:
    page = desk.go("/events?source=leads")
    expect(page.locator("table")).to_contain_text("lead.created")
    event = town.leads({"Name": "Wanda Live", "Phone": "303-555-0177", "type": "x"})[0]
    expect(page.locator(f'table a.id[href="/events/{event}"]')).to_be_visible(timeout=20_000)


def test_whoever_follows_a_page_is_told_when_the_session_is_over(desk: Desk, town: Town) -> None:
    page = desk.go("/events?source=leads")
    desk.context.clear_cookies()
    town.leads({"Name": "Uma Unseen", "Phone": "303-555-0178", "type": "x"})
    told = page.locator("#behind")
    expect(told).to_contain_text("Your session is over", timeout=20_000)
    expect(told.get_by_role("link", name="Sign in again")).to_have_attribute(
        "href", "/sign-in?next=%2Fevents%3Fsource%3Dleads"
    )
    expect(page.locator("table")).to_contain_text("lead.created")
    desk.complaints.clear()  # the stream that is refused


def test_a_button_says_that_the_session_is_over_and_a_draft_stays(desk: Desk) -> None:
    page = desk.go("/connections")
    desk.context.clear_cookies()
    page.get_by_role("button", name="Test").first.click()
    expect(page.locator("#said")).to_contain_text("Your session is over. Nothing was done")
    desk.sign_in("/rules/edit")
    area = page.get_by_role("textbox", name="The rules file")
    area.press("Control+End")
    page.keyboard.type("# mine")
    desk.context.clear_cookies()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#behind")).to_contain_text("Your session is over")
    expect(page.locator("#behind a")).to_have_attribute("target", "_blank")
    expect(area).to_have_value(re.compile("# mine$"))
    desk.complaints.clear()  # the calls that were refused


def test_a_button_says_that_the_server_did_not_answer(desk: Desk) -> None:
    page = desk.go("/connections")
    desk.context.set_offline(True)
    page.get_by_role("button", name="Test").first.click()
    expect(page.locator("#said")).to_contain_text("The server did not answer")
    desk.context.set_offline(False)
    desk.complaints.clear()  # the call that found nobody


def test_an_address_that_leads_nowhere_says_so_to_whoever_may_act(desk: Desk) -> None:
    page = desk.go("/events/evt_00000000000000000000000000000000")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.get_by_role("navigation")).to_contain_text("Settings")
    expect(page.get_by_text("signed in to read only")).to_have_count(0)
    desk.complaints.clear()  # the 404


def test_times_of_the_editors_events_are_those_of_whoever_looks(browser: Browser, town: Town) -> None:
    times = []
    for zone in ("America/Denver", "UTC"):
        desk = Desk(browser, town, timezone_id=zone)
        desk.sign_in("/rules/edit")
        times.append(desk.page.locator("form[data-explain] option").first.inner_text())
        desk.close()
    assert times[0] != times[1]


def test_a_telephones_menu_shows_where_one_is(browser: Browser, town: Town) -> None:
    desk = Desk(browser, town, viewport={"width": 360, "height": 800})
    desk.sign_in("/settings")
    place = desk.page.get_by_role("navigation").locator("[aria-current]").bounding_box()
    assert place is not None
    assert 0 <= place["x"] <= 360 - place["width"]
    desk.close()


def test_everything_can_be_read_without_a_script(browser: Browser, town: Town) -> None:
    desk = Desk(browser, town, java_script_enabled=False)
    page = desk.sign_in("/rules")
    expect(page.locator(".file")).to_contain_text("job-to-homebase")
    desk.go("/events?type=job.completed")
    page.locator("table a.id").first.click()
    expect(page.get_by_label("The journey of this event")).to_contain_text("received")
    desk.go("/rules/history/1")
    expect(page.locator("main")).to_contain_text("The first version")
    desk.close()
