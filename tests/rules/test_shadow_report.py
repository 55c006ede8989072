"""Comparing a rule in shadow with the live one: pure, over runs as the store gives them."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.rules.shadow_report import ShadowReport, live_counterpart, report_shadow
from tests.rules.rules_world import PING, load_after_head, rule


def step(id: str, body: Any, *, path: str = "/x", output: Any = None, action: str | None = None) -> dict[str, Any]:
    request = {
        "method": "POST",
        "path": path,
        "query": [],
        "headers": {"Content-Type": "application/json"},
        "body": body,
    }
    return {
        "id": id,
        "action": action or f"home.{id}",
        "connection": "home",
        "state": "done",
        "request": request,
        "output": output,
    }


def run(rule: str, *steps: Any, event: str = "evt_1", state: str = "done", reason: str | None = None) -> dict[str, Any]:
    return {"id": f"run_{rule}", "event": event, "rule": rule, "rules_version": "v", "state": state, "reason": reason,
            "steps": list(steps)}  # fmt: skip


def shadow(*steps: Any, event: str = "evt_1", reason: str = "shadow") -> dict[str, Any]:
    return run("new", *steps, event=event, state="skipped", reason=reason)


def report(*runs: dict[str, Any], against: str | None = "old", shadowed: bool = True) -> ShadowReport:
    return report_shadow("new", against, runs, lambda version: shadowed)


def fields(found: ShadowReport) -> list[tuple[str, Any, Any]]:
    return [(each.path, each.old, each.new) for change in found.changes for each in change.fields]


def test_answers_that_the_live_rule_got_stand_for_those_that_the_shadow_did_not() -> None:
    live = run("old", step("a", {}, output={"id": 7}), step("b", {"of": 7, "s": "no 7"}, path="/a/7"))
    same = shadow(step("a", {}), step("b", {"of": "<steps.a.id>", "s": "no <steps.a.id>"}, path="/a/%3Csteps.a.id%3E"))

    assert [] == report(live, same).changes


def test_a_renamed_step_finds_its_answer_by_its_place() -> None:
    live = run("old", step("a", {}, output={"id": 7}), step("b", {"of": 8}))
    renamed = shadow(step("one", {}, action="home.a"), step("two", {"of": "<steps.one.id>"}, action="home.b"))

    assert [("two.body.of", 8, 7)] == fields(report(live, renamed))


def test_what_nobody_knows_is_no_difference() -> None:
    live = run("old", step("a", {}), step("b", {"of": 7, "x": 1}))

    assert [("b.body.x", 1, 2)] == fields(
        report(live, shadow(step("a", {}), step("b", {"of": "<steps.a.id>", "x": 2})))
    )


def test_after_a_live_step_has_failed_nobody_knows_the_rest() -> None:
    live = run("old", step("a", {}), state="failed")

    assert [] == report(live, shadow(step("a", {}), step("b", {}))).changes


def test_a_step_more_or_less_is_a_change() -> None:
    live = run("old", step("a", {}), step("b", {}))

    more = fields(report(live, shadow(step("a", {}), step("b", {}), step("c", {}))))
    less = fields(report(live, shadow(step("a", {}))))

    assert [("c", None), ("b", None)] == [(more[0][0], more[0][1]), (less[0][0], less[0][2])]


@pytest.mark.parametrize("state", ["waiting", "running", "held"])
def test_a_live_run_under_way_is_not_compared_yet(state: str) -> None:
    found = report(run("old", state=state), shadow(step("a", {})))

    assert (1, 0, []) == (found.open, sum(found.counts.values()), found.changes)


def test_runs_that_did_not_act_on_either_side_count_for_nothing() -> None:
    found = report(
        run("old", state="skipped", reason="once_per: x has acted"),
        shadow(reason="shadow; once_per: y has acted"),
        shadow(step("a", {}), event="evt_2"),
    )

    assert {"same": 0, "added": 1, "removed": 0, "changed": 0} == found.counts


def test_what_is_known_no_more_of_somebody_who_was_forgotten_is_no_difference() -> None:
    emptied = {**step("a", None), "request": None}
    found = report(run("old", emptied), shadow(emptied, reason="the person was forgotten"))

    assert {"same": 0, "added": 0, "removed": 0, "changed": 0} == found.counts


def test_events_of_versions_without_the_shadow_are_left_out() -> None:
    assert 1 == report(run("old", step("a", {}))).counts["removed"]
    assert {} == {k: v for k, v in report(run("old", step("a", {})), shadowed=False).counts.items() if v}


def test_the_live_rule_beside_a_shadow_is_the_most_alike_of_the_same_events() -> None:
    text = "".join(
        rule(PING).replace("id: one", f"id: {id}").replace("rules:\n", "" if number else "rules:\n")
        for number, id in enumerate(["lead-to-titan", "lead-to-zap", "lead-to-titan-2"])
    ).replace("id: lead-to-titan-2\n", "id: lead-to-titan-2\n    mode: shadow\n")
    rules = load_after_head(text)
    new = rules.rule("lead-to-titan-2")
    assert new is not None

    assert "lead-to-titan" == live_counterpart(rules, new)


def test_a_shadow_without_any_live_rule_like_it_has_none() -> None:
    rules = load_after_head(rule(PING).replace("id: one\n", "id: one\n    mode: shadow\n"))

    assert live_counterpart(rules, rules.rules[0]) is None
