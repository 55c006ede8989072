"""What the page of an event is drawn of, from values alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.web.console.charts import timeline
from hooks.web.console.journey import lit_lines, record_of, with_records
from hooks.web.console.pages import source_states
from hooks.web.console.rendering import beside, body, diffed, refusal, told, verdict, whom, yaml

FILE = """\
rules:
  - id: one
    event: job.completed
    when:
      - data.total_cents >= 5000

  # about the second
  - id: two
    event: lead.created
"""
NOW = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)


def clause(line: int, verdict: str) -> dict[str, Any]:
    return {"line": line, "verdict": verdict, "text": "", "values": {}, "hint": None}


def test_a_rules_lines_end_where_the_next_begins_and_each_has_the_worst_of_its_clauses() -> None:
    lines = lit_lines(FILE, 2, [clause(3, "true"), clause(3, "missing"), clause(5, "false"), clause(9, "true")])
    assert [(2, ""), (3, "missing"), (4, ""), (5, "false")] == [(line["number"], line["verdict"]) for line in lines]


@pytest.mark.parametrize(("text", "first"), [(None, 2), (FILE, 0), ("", 1), (FILE, 99)])
def test_without_the_text_there_is_nothing_to_light(text: str | None, first: int) -> None:
    assert [] == lit_lines(text, first, [clause(first, "true")])


@pytest.mark.parametrize(
    ("output", "record"),
    [
        ({"id": 41}, "41"), ({"customerId": "cus_1", "name": "x"}, "cus_1"), ({"job_id": "j"}, "j"), ({"ID": "a"}, "a"),
        ({"id": None, "bookingId": 7}, "7"), ({"name": "x"}, None), ([1], None), (None, None), ({"id": True}, None),
    ],
)  # fmt: skip
def test_the_record_of_a_step_is_the_id_in_its_answer(output: Any, record: str | None) -> None:
    assert record == record_of(output)


def attempt(number: int, second: int, verdict: str) -> dict[str, Any]:
    return {
        "number": number, "started_at": f"2026-05-04T13:00:{second:02}Z", "duration_ms": 20, "verdict": verdict,
    }  # fmt: skip


def run(state: str, *attempts: dict[str, Any]) -> dict[str, Any]:
    step = {"id": "<customer>", "state": "failed", "output": None, "attempts": list(attempts)}
    return {"state": state, "created_at": "2026-05-04T13:00:00Z", "steps": [step]}


def test_a_timeline_of_days_is_told_in_days() -> None:
    assert "1 try in 30 s" in timeline(run("done", attempt(1, 30, "done")), NOW)
    long = {**attempt(1, 0, "transient"), "duration_ms": 94_000_000}
    assert "2 tries in 1d 2h" in timeline(run("done", long, attempt(2, 30, "done")), NOW)


def test_a_timeline_has_a_bar_for_each_try_and_escapes_names() -> None:
    drawn = timeline(run("done", attempt(1, 0, "transient"), attempt(2, 30, "done")), NOW)
    assert (1, 1) == (drawn.count("try transient"), drawn.count("try done"))
    assert "&lt;customer&gt;" in drawn
    assert "2 tries in 30 s" in drawn
    assert "" == timeline(run("waiting"), NOW)


def test_an_outcome_is_unknown_until_a_later_try_says_otherwise() -> None:
    assert with_records(run("held", attempt(1, 0, "unknown")))["unknown"] is True
    begun = run("held")
    begun["steps"][0]["state"] = "intended"
    assert with_records(begun)["unknown"] is True
    assert with_records(run("held", attempt(1, 0, "unknown"), attempt(2, 5, "permanent")))["unknown"] is False
    assert with_records(run("waiting", attempt(1, 0, "unknown")))["unknown"] is False


@given(st.text(max_size=200))
def test_what_is_coloured_is_only_ever_text(text: str) -> None:
    for drawn in (yaml(text), diffed(text)):
        bare = drawn.replace("</span>", "")
        assert "<" not in bare.replace("<span class=", "")


def test_a_reason_leads_to_the_records_that_it_names_and_never_to_a_command() -> None:
    run, event = "run_" + "0" * 32, "evt_" + "f" * 32
    shown = told(f"<b>once_per</b>: {run} has acted, see {event}, then say `hooks runs resolve` with --sent")
    assert f'<a href="/runs/{run}" title="{run}">another run</a> has acted' in shown
    assert f'<a href="/events/{event}" title="{event}">another event</a>' in shown
    assert shown.startswith("&lt;b&gt;once_per&lt;/b&gt;: ")
    assert "resolve" not in shown
    assert ("", "run_12 &amp; x") == (told(None), told("run_12 & x"))


@given(st.text())
def test_no_reason_is_markup(text: str) -> None:
    assert "<" not in told(text).replace('<a href="/', "").replace("</a>", "")


def test_words_of_ours_are_said_as_people_say_them() -> None:
    assert "it has no signature or key" == refusal("missing")
    assert ("malformed body", "") == (refusal("malformed body"), refusal(None))
    assert ("failed for good", "done") == (verdict("permanent"), verdict("done"))
    assert ("Maya", "") == (whom({"data": {"display_name": "Maya"}}), whom({"data": None}))


def test_a_body_that_is_json_is_put_into_lines_and_any_other_stays_as_it_was() -> None:
    assert '{\n  "a": [\n    1\n  ]\n}' == body('{"a":[1]}') == body({"a": [1]})
    for text in ("{broken", "a=1&b=2", "[" * 100_000, "", "5"):
        assert text == body(text)


def test_files_are_named_as_the_main_file_sees_them() -> None:
    assert ["routes.yaml", "d/a.yaml", "/other/b.yaml", "c.yaml"] == [
        beside(name, main)
        for name, main in (
            ("/etc/hooks/routes.yaml", "/etc/hooks/routes.yaml"),
            ("/etc/hooks/d/a.yaml", "/etc/hooks/routes.yaml"),
            ("/other/b.yaml", "/etc/hooks/routes.yaml"),
            ("c.yaml", "routes.yaml"),
        )
    ]


def test_what_came_by_each_of_very_many_sources_is_counted_in_one_go() -> None:
    now = datetime(2026, 5, 4, 14, tzinfo=UTC)
    names = [f"source-{number}" for number in range(600)]
    minutes = [now - timedelta(minutes=ago) for ago in range(1, 601)]
    rows = [(minute, "receipt.accepted", name, 2) for minute in minutes for name in names[1:]]
    rows += [(minutes[5], "receipt.refused", names[0], 7), (minutes[5], "run.done", names[0], 9)]

    def used(sources: int) -> float:
        began = time.process_time()
        source_states([{"name": name, "vendor": "webhook"} for name in names[:sources]], rows, now)
        return time.process_time() - began

    shown = source_states([{"name": name, "vendor": "webhook"} for name in names], rows, now)

    assert used(600) < 10 * used(6), "it goes through all rows once, not once for each source"
    refused = {"accepted": 0, "duplicate": 0, "refused": 7, "quarantined": 0, "last": None, "silent": True}
    assert {"name": names[0], "vendor": "webhook", **refused} == shown[0]
    assert (1200, minutes[0], False) == tuple(shown[1][key] for key in ("accepted", "last", "silent"))
