"""A corpus of rule files: broken ones with one fault each, and good ones.

The first line of a broken file says on which line the fault is, and what the sentence and its hint must hold:
``# line 23: did you mean 'total_cents'?``, several parts told apart by ``|``. `(warning)` among them: the file loads.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks.events import Event
from hooks.registry import CATALOGUE
from hooks.rules import Finding, RulesInvalid, explain, load_text

CORPUS = Path(__file__).parent / "corpus"
BROKEN = sorted((CORPUS / "broken").glob("*.yaml"))
GOOD = sorted((CORPUS / "good").glob("*.yaml"))

KNOWN = {"HCP_SIGNING_SECRET", "LEADS_KEY", "HOMEBASE360_API_KEY", "ST_APP_KEY", "ST_CLIENT_ID", "ST_CLIENT_SECRET"}
_HEADER = re.compile(r"# line (\d+): (.+)")


def secret(name: str) -> str | None:
    if name == "WEBHOOK_SECRET":
        return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    return f"a-secret-of-these-tests-{name}" if name in KNOWN else None


def findings(path: Path) -> tuple[tuple[Finding, ...], bool]:
    """What is found, and whether the file is refused."""
    try:
        return load_text(path.read_bytes(), CATALOGUE, secret, name=path.name, folder=path.parent).warnings, False
    except RulesInvalid as invalid:
        return invalid.findings, True


def test_the_corpus_is_large_enough_and_no_file_is_there_twice() -> None:
    assert len(BROKEN) >= 150
    assert len(GOOD) >= 50
    bodies = [path.read_text().partition("\n")[2] for path in BROKEN]
    assert len(bodies) == len(set(bodies))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_one_fault_makes_one_finding_on_its_line_with_what_to_do(path: Path) -> None:
    header = _HEADER.fullmatch(path.read_text().partition("\n")[0])
    assert header is not None, "a broken file begins with: # line N: words"
    found, refused = findings(path)
    shown = "\n".join(each.render() for each in found)
    wanted = [part.strip() for part in header[2].split("|")]
    assert refused is ("(warning)" not in wanted), shown
    assert [int(header[1])] == [each.line for each in found], shown
    assert found[0].hint, shown
    for part in wanted:
        assert part in f"{found[0].message} = {found[0].hint} ({found[0].severity})", shown


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_loads_without_a_word(path: Path) -> None:
    found, refused = findings(path)
    assert [] == [each.render() for each in found]
    assert not refused


def test_findings_say_what_to_do() -> None:
    """In the hint, or in the sentence itself where it says what belongs there."""
    speechless = [path.stem for path in BROKEN if not findings(path)[0][0].hint]
    assert len(speechless) <= len(BROKEN) // 15, speechless


NO_NAME_IS_NEAR = """
nope(1) | `x` | @x | [1 | (1 | {'a' 1} | {'a': 1, 'a': 2} | () | +1 | ] | , | filter(data.tags, .a ==) | data['x'
0x10 | 1e400 | time.year | vars.n.x | null.x | data.customer[0] | phone([1]) | map(1, .x) | data.tags / 2 | [1] + 2
[1] > 2 | 5 contains 'a' | data.note matches '(' | data.note matches 'a**' | data.note matches '(?=a)' | [1] matches 'a'
"""


@pytest.mark.parametrize("text", NO_NAME_IS_NEAR.replace("\n", " | ").split(" | ")[1:-1])
def test_what_to_do_is_told_also_where_no_name_is_near(text: str) -> None:
    rules = f"""version: 1
sources: {{hcp: {{vendor: housecall_pro, signing_secret: "${{secret.HCP_SIGNING_SECRET}}"}}}}
connections: {{office: {{vendor: http, base_url: "https://office.example.com"}}}}
vars: {{n: 1}}
rules:
  - id: one
    event: job.completed
    source: hcp
    when: {json.dumps(text)}
    do: [{{action: http.request, with: {{path: /}}}}]
"""
    with pytest.raises(RulesInvalid) as invalid:
        load_text(rules, CATALOGUE, secret, name="routes.yaml")
    found = invalid.value.findings[0]
    assert found.line == 9
    assert found.rule == "one"
    assert found.hint, found.render()


@pytest.mark.parametrize(
    ("source", "connection", "hint"),
    [
        ("max_bytes: 2 MiB", "", "write the number alone: how large a body may be, in bytes."),
        ("", "rate: 60 per minute", "write the number alone: calls per second, such as 5 or 0.5; no limit without it."),
        ("", "concurrency: many", "How many calls may be under way at once."),
    ],
)
def test_a_number_with_a_unit_is_told_which_unit_is_meant(source: str, connection: str, hint: str) -> None:
    with pytest.raises(RulesInvalid) as invalid:
        load_text(
            f"""version: 1
sources: {{any: {{vendor: webhook, unverified: a test, {source}}}}}
connections: {{office: {{vendor: http, base_url: "https://office.example.com", {connection}}}}}
""",
            CATALOGUE,
            secret,
            name="routes.yaml",
        )
    assert [hint] == [found.hint for found in invalid.value.findings]


def test_an_expression_in_a_key_is_warned_of() -> None:
    (found,) = load_text(
        """version: 1
sources: {hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}}
connections: {office: {vendor: http, base_url: "https://office.example.com"}}
rules:
  - id: one
    event: job.completed
    do: [{action: http.request, with: {path: /, json: {"job ${data.id}": "${data.status}"}}}]
""",
        CATALOGUE,
        secret,
        name="routes.yaml",
    ).warnings
    assert ("this key is sent as it stands, and no value is put in", 7, "one") == (
        found.message,
        found.line,
        found.rule,
    )


@pytest.mark.parametrize(
    ("path", "raw", "told"),
    [
        ("/customers/${raw.id}", {"id": "c1"}, "/customers/c1"),
        ("/customers/${raw.id}", {}, "a part of 'path' came out empty (raw.id is missing)"),
        ("/customers/${raw.id}/notes", {"id": ""}, "a part of 'path' came out empty (raw.id is empty)"),
        ("/customers/${raw.one}${raw.two}", {}, "a part of 'path' came out empty (raw.one and raw.two are missing)"),
        ("/customers${raw.end}", {}, "/customers"),
        ("/customers/", {}, "/customers/"),
        (
            "/customers/${raw.id}/notes",
            {"id": "7/refund"},
            "field 'path': raw.id holds a '/', which would lead elsewhere",
        ),
        ("/${lower(raw.id)}", {"id": "../Admin"}, "field 'path': raw.id holds a '/', which would lead elsewhere"),
        ("/${vars.below}/${raw.id}", {"id": "c1"}, "/v2/customers/c1"),
        ("/records/${subject}", {}, "/records/customer/c1"),
        ("${'/customers/' + raw.id}", {"id": "7/notes"}, "/customers/7/notes"),
    ],
)
def test_a_path_that_an_event_leaves_open_is_not_called(path: str, raw: dict[str, str], told: str) -> None:
    loaded = load_text(
        f"""version: 1
sources: {{any: {{vendor: webhook, unverified: a test}}}}
connections: {{office: {{vendor: http, base_url: "https://office.example.com"}}}}
vars: {{below: v2/customers}}
rules:
  - id: one
    event: webhook.received
    do: [{{action: http.request, with: {{method: DELETE, path: {json.dumps(path)}}}}}]
""",
        CATALOGUE,
        secret,
        name="routes.yaml",
    )
    at = datetime(2026, 5, 4, tzinfo=UTC)
    event = Event(
        "evt_1", "webhook.received", "any", "webhook", "webhook.received", "rcp_1", at, at, "customer/c1", raw, raw
    )
    request = explain(loaded, event)["rules"][0]["requests"][0]
    assert told == request.get("error", (request["url"] or "").removeprefix("https://office.example.com"))
