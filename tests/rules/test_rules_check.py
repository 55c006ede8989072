"""Checking a rules file: every mistake has its place, its sentence and its hint, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import ConfigError
from hooks.rules import Finding, RulesInvalid, load_rules, load_text
from hooks.rules.load import load_doors, load_texts
from tests.rules.rules_world import (
    CATALOGUE,
    HEAD,
    PING,
    SECRETS,
    load,
    load_after_head,
    marked,
    messages,
    messages_after_head,
    rule,
)


def only(rules: str) -> str:
    found = messages_after_head(rules)
    assert 1 == len(found), found
    return found[0]


def test_a_finding_shows_place_line_caret_hint_and_rule() -> None:
    with pytest.raises(RulesInvalid) as caught:
        load_after_head(rule("    when: data.total_amout > 5\n" + PING))
    shown = caught.value.findings[0].render()
    assert (
        "routes.yaml:10:16: unknown field 'data.total_amout'\n"
        "     10 |     when: data.total_amout > 5\n"
        "        |                ^^^^^^^^^^^\n"
        "        = did you mean 'total_cents'?\n"
        "        in rule 'one'"
    ) == shown
    assert "\x1b[31m" in caught.value.render(colour=True)
    assert {
        "file": "routes.yaml",
        "line": 10,
        "column": 16,
        "length": 11,
        "severity": "error",
        "message": "unknown field 'data.total_amout'",
        "hint": "did you mean 'total_cents'?",
        "rule": "one",
    } == caught.value.as_json()[0]


def test_a_long_line_is_cut_around_the_caret() -> None:
    line = "x" * 200 + "here" + "y" * 200
    shown = Finding("f", 1, 201, 4, "error", "m", source=line).render().split("\n")
    column = shown[2].index("^")
    assert "here" == shown[1][column : column + 4]
    assert len(shown[1]) < 130


def test_all_findings_come_at_once_in_order() -> None:
    found = messages_after_head(
        "rules:\n  - id: one\n    event: job.completed\n    when: dta.x\n    wehn: 1\n"
        "    do: [{action: home.pin}]\n    retry: {attempts: 5, backoff: lineal}\n"
    )
    assert ["4:11", "5:5", "6:19", "7:35"] == [message.split(" ")[0] for message in found]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "    when: data.total = 5\n",
            "= | unexpected '=' = use '==' to compare",
        ),
        (
            "    retry: {attempts: 3, first_wait: 10m, max_wait: 1m}\n",
            "{attempts: 3, first_wait: 10m, max_wait: 1m} | 'max_wait' is shorter than 'first_wait' = "
            "How its steps are tried again, such as {attempts: 6, first_wait: 5s}.",
        ),
        ("    when: data.total_cents =< 5\n", "= | unexpected '=' = write <="),
        ("    when: data.total_cents => 5\n", "= | unexpected '=' = write >="),
        ("    when: data.total_cents <> 5\n", "> | unexpected '>' = write !="),
        (
            "    when: data.customer?.id != null\n",
            "? | unexpected '?' = leave the '?' out: what is below a missing field is null, never an error",
        ),
        ("    when: and data.id == 'x'\n", "and | unexpected 'and' = a value is missing in front of and"),
        (
            "    when: ${data.id} == 'x'\n",
            "${ | this is an expression already: write it without ${ } = write: data.id == 'x'",
        ),
        (
            "    when:\n      - true\n      - dta.x\n",
            "dta | unknown name 'dta' = did you mean 'data'?",
        ),
        (
            "    when: data.tags.x == 1\n",
            "x | 'data.tags' is a list and has no field 'x' = for one item write data.tags[0].x, for "
            "all map(data.tags, .x)",
        ),
        (
            "    when: any(data.line_items, .knd == 'x')\n",
            "knd | unknown field 'knd' = did you mean 'kind'?",
        ),
        (
            "    when: data.customer.total_cents > 1\n",
            "total_cents | unknown field 'data.customer.total_cents' = known fields: display_name, "
            "email, first_name, id, last_name, phone; the vendor's own fields are under raw",
        ),
        (
            "    when: data.phone != null\n",
            "phone | unknown field 'data.phone' = did you mean 'customer.phone'?",
        ),
        (
            "    when: data.total_cents > '5'\n",
            "data.total_cents > '5' | cannot compare a number with text = write the number without "
            "quotes, or number(...) to read one from text",
        ),
        (
            "    when: lower(data.total_cents) == 'x'\n",
            "data.total_cents | lower() needs text, got a number = text(...) makes text of a number",
        ),
        (
            "    when: data.total_cents + 'x' == 'y'\n",
            "data.total_cents + 'x' | cannot add a number and text = write text(...) to put numbers into text",
        ),
        (
            "    when: steps.x.id == 1\n",
            "x | unknown step 'x' = there is no earlier step with an id",
        ),
        (
            "    when: error.message == 'x'\n",
            "error | 'error' is known in fallback: only = it tells why the steps above failed",
        ),
        (
            "    when: vars.x == 1\n",
            "x | unknown field 'vars.x' = it has no fields",
        ),
        (
            "    when: data.id == 5\n",
            "data.id == 5 | text never == a number (warning) = text is never equal to a number",
        ),
        (
            "    when: any(data.line_items, .kind == 'labour')\n",
            "'labour' | this value never occurs here (warning) = did you mean 'labor'?",
        ),
        (
            "    source: plum\n",
            "plum | unknown source 'plum' = did you mean 'plumb'?",
        ),
        (
            "    throttle: 5/1m\n",
            "5/1m | a map (key: value) belongs here, this is text = At most so many runs in a time, such as "
            "{max: 60, per: 1m}.",
        ),
        (
            "    retry: 5\n",
            "5 | a map (key: value) belongs here, this is a number = How its steps are tried again, such as "
            "{attempts: 6, first_wait: 5s}.",
        ),
        (
            "    once_within: 24h\n",
            "once_within | 'once_within' needs 'once_per' = once_per says what may come only once",
        ),
        (
            "    once_per: data.id\n    once_within: 24\n",
            "24 | a duration needs its unit: 24s, 24m or 24h = How long once_per remembers, such as 24h.",
        ),
        (
            "    once_per: data.id\n",
            "once_per | 'once_per' needs 'once_within' = for how long: once_within: 24h",
        ),
        (
            "    mode: dead\n",
            "dead | 'dead' is not allowed here = one of: 'live' or 'shadow'",
        ),
        (
            "    enabled: no\n",
            "no | true or false belongs here, this is text = write true or false",
        ),
        (
            "    debounce: {wait: 2m}\n",
            "debounce | 'by' is missing = An expression: events with the same value belong together.",
        ),
        (
            "    throttle: 5\n",
            "5 | a map (key: value) belongs here, this is a number = At most so many runs in a time, such as "
            "{max: 60, per: 1m}.",
        ),
        (
            "    description: 5\n",
            "5 | text belongs here, this is a number = put it in quotes",
        ),
        (
            "    fallback: [{action: home.create_lead, with: {last_name: '${error.mesage}'}}]\n",
            "mesage | unknown field 'error.mesage' = did you mean 'message'?",
        ),
    ],
)
def test_mistakes_in_a_rule(body: str, expected: str) -> None:
    assert [expected] == marked(HEAD + rule(body + PING))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            "{action: home.pnig}",
            "home.pnig | unknown action 'home.pnig' = did you mean 'home.ping'?",
        ),
        (
            "{action: hom.ping}",
            "hom.ping | unknown action 'hom.ping' = did you mean 'home.ping'?",
        ),
        (
            "{action: home.ping, connection: hme}",
            "hme | unknown connection 'hme' = did you mean 'home'?",
        ),
        (
            "{action: http.request, with: {path: /x}}",
            "http.request | there is no connection of 'http' = add one under connections:, with vendor: http",
        ),
        (
            "{action: home.ping, with: {x: 1}}",
            "x | unknown key 'x' = it takes none",
        ),
        (
            "{action: home.create_lead, with: {frist_name: a, last_name: b}}",
            "frist_name | unknown key 'frist_name' = did you mean 'first_name'?",
        ),
        (
            "{action: home.create_lead}",
            "action | 'last_name' is missing",
        ),
        (
            "{action: home.create_lead, with: {phone: '1'}}",
            "with | 'last_name' is missing",
        ),
        (
            "{action: home.create_job, with: {customerId: '5'}}",
            "'5' | 'customerId' needs a whole number, this is text = write the number without quotes",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, title: 5}}",
            "5 | 'title' needs text, this is a number = put it in quotes",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, urgent: yes}}",
            "yes | 'urgent' needs true or false, this is text = write true or false",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, priority: hihg}}",
            "hihg | 'hihg' is not allowed here = did you mean 'high'?",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, start: noon}}",
            "noon | write an instant that ends in Z = `hooks vendors home.create_job` shows what each input takes",
        ),
        (
            "{action: home.create_job, with: {customerId: '${data.id}'}}",
            "'${data.id}' | 'customerId' needs a whole number, this is text = number(...) reads a "
            "number from text, cents(...) an amount",
        ),
        (
            "{action: home.create_job, with: {customerId: 'x${raw.id}'}}",
            "'x${raw.id}' | 'customerId' needs a whole number, this is text = number(...) reads a "
            "number from text, cents(...) an amount",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, title: '${data.total_cents}'}}",
            "'${data.total_cents}' | 'title' needs text, this is a number = text(...) writes a "
            "number as text, dollars(...) cents as an amount",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, title: '${data.tags}'}}",
            "'${data.tags}' | 'title' needs text, this is a list = join(', ', ...) makes text of a list",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, lineItems: [{name: a, quantity: 1, "
            "unitPrice: '1'}, {name: b, quantity: 1, unitPrise: '1'}]}}",
            "unitPrise | unknown key 'unitPrise' = did you mean 'unitPrice'?",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, lineItems: ['${raw.x}', {name: '', "
            "quantity: 1, unitPrice: '1'}]}}",
            "'' | this is empty",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, address: {city: x}}}",
            "address | 'street' is missing",
        ),
        (
            "{action: home.create_job, with: {customerId: 5, address: '${data.id}'}}",
            "'${data.id}' | 'address' needs an object, this is text",
        ),
        (
            "{action: home.create_lead, with: {last_name: '${dta.x}'}}",
            "dta | unknown name 'dta' = did you mean 'data'?",
        ),
        (
            "{action: home.create_lead, with: {last_name: '${data.x'}}",
            "${ | '${' is not closed = add the closing }",
        ),
        (
            "{action: home.create_lead, with: {last_name: '${secret.HOME_KEY}'}}",
            "secret | a secret cannot be used here = secrets belong in sources: and connections:, as ${secret.NAME}",
        ),
        (
            "{action: home.create_lead, with: {$merge: text}}",
            "text | $merge needs an object = write an expression, such as ${raw}",
        ),
        (
            "{action: home.ping, retry: {attempts: 0}}",
            "0 | at least 1 belongs here = How many times a step is tried in all; 1 means once.",
        ),
        (
            "{id: a-b, action: home.ping}",
            "a-b | this is not a name = use letters, digits and _ (a rule's id and a source's name also - )",
        ),
    ],
)
def test_mistakes_in_a_step(step: str, expected: str) -> None:
    assert expected in marked(HEAD + rule(f"    do: [{step}]\n"))


def test_a_step_may_only_name_earlier_steps() -> None:
    rules = rule(
        "    do:\n      - {id: a, action: home.create_lead, with: {last_name: '${steps.b.id}'}}\n"
        "      - {id: b, action: home.create_lead, with: {last_name: '${steps.a.id} ${steps.c.id}'}}\n"
    )
    assert [
        "5:70 the step 'b' runs later = a step can use the answers of earlier steps only",
        "6:84 unknown step 'c' = earlier steps: a",
    ] == messages_after_head(rules)


def test_step_ids_are_unique_within_a_rule() -> None:
    found = only(rule("    do: [{id: a, action: home.ping}, {id: a, action: home.ping}]\n"))
    assert "4:43 the step id 'a' is used twice in this rule = the answers of two steps need two names" == found


def test_how_long_a_key_is_that_a_vendor_has_issued_is_the_vendors_business() -> None:
    assert [] == messages("version: 1\nconnections: {a: {vendor: home, api_key: '${secret.SHORT}'}}\nrules: []\n")


def test_a_field_that_only_some_events_have_is_a_warning() -> None:
    rules = f"rules:\n  - id: one\n    event: [job.completed, lead.created]\n    when: data.note == 'x'\n{PING}"
    expected = "4:16 'data.note' is not in every event that this rule takes (warning) = where it is missing it is null"
    assert expected == only(rules)


@pytest.mark.parametrize("event", ["weather.changed", "'*'", "[job.completed, weather.changed]"])
def test_events_without_a_model_switch_the_field_check_off(event: str) -> None:
    assert [] == messages_after_head(
        f"rules:\n  - id: one\n    event: {event}\n    when: data.anything.at_all == 1\n{PING}"
    )


def test_an_event_that_nobody_is_known_to_send_is_a_warning() -> None:
    expected = "3:12 no configured source is known to send 'job.complete' (warning) = did you mean 'job.completed'?"
    assert expected == only(f"rules:\n  - id: one\n    event: job.complete\n{PING}")
    by_source = f"rules:\n  - id: one\n    event: job.completed\n    source: leads\n{PING}"
    assert (
        "3:12 no configured source is known to send 'job.completed' (warning) = vendors add names: if it is spelled as "
        "the sender does, leave it"
    ) == only(by_source)


def test_a_source_that_can_send_anything_makes_every_event_known() -> None:
    text = HEAD.replace("connections:", "  any: {vendor: anyone, unverified: it is a test}\nconnections:")
    assert [] == messages(text + f"rules:\n  - id: one\n    event: some.thing\n    when: data.x == 1\n{PING}")


def test_the_type_that_a_source_sets_is_known() -> None:
    text = HEAD.replace('FORM_KEY}"', 'FORM_KEY}", type: quote.asked')
    assert [] == messages(text + f"rules:\n  - id: one\n    event: quote.asked\n    when: data.x == 1\n{PING}")


def test_an_unquoted_comment_that_swallows_text_is_a_warning() -> None:
    rules = rule("    do:\n      - action: home.create_lead\n        with:\n          last_name: Job #${data.id}\n")
    expected = (
        "7:26 the text from '#' on is a YAML comment and is not sent (warning) = put the value in quotes to keep it"
    )
    assert expected == only(rules)
    assert [] == messages_after_head(rule(PING.rstrip() + "  # an ordinary comment\n"))


@pytest.mark.parametrize("mark", ["<" * 7 + " HEAD", "=" * 7, ">" * 7 + " theirs"])
def test_what_is_left_of_a_merge_conflict_is_called_that(mark: str) -> None:
    assert only(rule(f"{mark}\n{PING}")).startswith("4:1 a merge conflict is left here")


def test_several_connections_of_a_vendor_must_be_named() -> None:
    text = HEAD + '  other: {vendor: home, api_key: "${secret.HOME_KEY}"}\n' + rule(PING)
    found = messages(text)
    assert ["11:19 there are several connections of 'home' = add connection: with one of: home, other"] == found
    named = load(text.replace("home.ping", "home.ping, connection: other"))
    assert "other" == named.rules[0].steps[0].connection


def test_a_connection_of_another_vendor_is_refused() -> None:
    text = HEAD + "  web: {vendor: http, base_url: https://x.example.org}\n"
    assert ["11:42 'web' is a connection of 'http', not of 'home' = connections: home"] == messages(
        text + rule("    do: [{action: home.ping, connection: web}]\n")
    )


# --- the top level, sources and connections ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            " | the file is empty = begin with: version: 1",
        ),
        (
            "- a\n",
            "- a | a rules file is a map: version:, sources:, rules: = begin with: version: 1",
        ),
        (
            "version: 2\n",
            "2 | '2' is not allowed here = one of: 1",
        ),
        (
            "vresion: 1\n",
            "vresion | unknown key 'vresion' = did you mean 'version'?",
        ),
        (
            "rules: [{id: one, event: x, replay: sometimes, do: [{action: home.ping}]}]\n",
            "sometimes | write always, never, or how old an event may be, such as 24h = Whether replays are for this "
            "rule: always, never, or while an event is younger than this.",
        ),
        (
            "rules: [{id: one, event: x, rate_limit: {max: 1}, do: [{action: home.ping}]}]\n",
            "rate_limit | unknown key 'rate_limit' = write throttle: {max: 60, per: 1m}; to protect an account "
            "as a whole, give its connection a rate",
        ),
        (
            "templates: {one: {rule: {event: x}}}\n",
            "one | this is not the name of a template = with its version: lead-to-booking@1",
        ),
        (
            "rules: {a: 1}\n",
            "{a: 1} | a list belongs here = each rule begins with '- id:'",
        ),
        (
            "rules: [5]\n",
            "5 | a map (key: value) belongs here, this is a number = write its keys on lines of their own below it, or "
            "{key: value}",
        ),
        (
            "rules: [{id: a}]\n",
            "{id: a} | 'do' is missing = The steps, carried out in order.",
        ),
        (
            "sources: {a: 5}\n",
            "5 | a map (key: value) belongs here, this is a number = write its keys on lines of their own below it, or "
            "{key: value}",
        ),
        (
            "sources: {a: {}}\n",
            "a | 'vendor' is missing = one of: anyone, form, plumb",
        ),
        (
            "sources: {a: {vendor: plmb}}\n",
            "plmb | unknown vendor 'plmb' = did you mean 'plumb'?",
        ),
        (
            "sources: {a: {vendor: home}}\n",
            "home | the vendor 'home' sends no events = one of: anyone, form, plumb",
        ),
        (
            "connections: {a: {vendor: plumb}}\n",
            "plumb | the vendor 'plumb' takes no actions = one of: home, http",
        ),
        (
            "sources: {a: {vendor: plumb}}\n",
            "a | 'signing_secret' is missing = The secret that plumb signs with.",
        ),
        (
            "sources: {a: {vendor: anyone, unverified: x, tolerance: 1}}\n",
            "tolerance | unknown key 'tolerance' = known keys: duplicate_window, max_bytes, quiet_after, quiet_within, "
            "respond_status, type, unavailable_status, unverified",
        ),
        (
            "sources: {a: {vendor: anyone, unverified: x, duplicate_window: 5}}\n",
            "5 | a duration needs its unit: 5s, 5m or 5h = How long a delivery is known again, such as 30d.",
        ),
        (
            "sources: {a: {vendor: form, key: '${secret.NOPE}'}}\n",
            "secret.NOPE | the secret NOPE is not set = set NOPE or NOPE_FILE in the environment",
        ),
        (
            "sources: {a: {vendor: form, key: '${vars.x}'}}\n",
            "vars.x | only ${secret.NAME} can be used here = sources and connections are the same for every event",
        ),
        (
            "sources: {a: {vendor: form, key: '${secret.SHORT}'}}\n",
            "'${secret.SHORT}' | this secret is shorter than 16 bytes (warning) = a longer one is harder to guess",
        ),
        (
            "sources: {a b: {vendor: anyone, unverified: x}}\n",
            "a b | this is not a name = use letters, digits and _ (a rule's id and a source's name also - )",
        ),
        (
            "vars: {a: 'x ${data.id}'}\n",
            "'x ${data.id}' | vars: holds plain values, no ${ } = write the expression where it is used",
        ),
        (
            "include: x.yaml\n",
            "x.yaml | files cannot be included here = check the file itself",
        ),
    ],
)
def test_mistakes_at_the_top(text: str, expected: str) -> None:
    assert expected in marked(text)


def test_what_a_vendor_gives_out_may_be_short() -> None:
    assert [] == messages('version: 1\nconnections:\n  home: {vendor: home, api_key: "${secret.SHORT}"}\n')


def test_a_secret_in_the_file_is_a_warning_that_does_not_show_it() -> None:
    text = "sources: {a: {vendor: form, key: plainly-written-0123456789}}\n"
    warnings = load(text).warnings
    assert ["this secret stands in the file"] == [found.message for found in warnings]
    assert "plainly-written" not in "".join(found.render() for found in warnings)
    assert "*" * 26 in warnings[0].source


def test_secrets_never_show_in_a_finding() -> None:
    text = "connections: {a: {vendor: home, api_key: '${secret.HOME_KEY}', timeout: '${secret.HOME_KEY}'}}\n"
    with pytest.raises(RulesInvalid) as caught:
        load(text)
    assert SECRETS["HOME_KEY"] not in str(caught.value)
    assert SECRETS["HOME_KEY"] not in repr(caught.value.as_json())


def test_secrets_reach_the_settings_and_stay_hidden_there() -> None:
    rules = load_after_head("")
    settings = rules.connections["home"].settings
    assert SECRETS["HOME_KEY"] not in repr(settings)
    assert SECRETS["HOME_KEY"] == settings.api_key.get_secret_value()  # type: ignore[attr-defined]  # a test vendor's key
    two = load("sources: {a: {vendor: plumb, signing_secret: ['${secret.PLUMB_SECRET}', '${secret.HOME_KEY}']}}")
    assert 2 == len(two.sources["a"].settings.signing_secret)  # type: ignore[attr-defined]  # a test vendor's key


def test_a_lookup_that_fails_says_why_at_its_place() -> None:
    def broken(name: str) -> str | None:
        raise ConfigError(f"{name}_FILE cannot be read")

    with pytest.raises(RulesInvalid) as caught:
        load_text(HEAD, CATALOGUE, broken)
    assert {"PLUMB_SECRET_FILE cannot be read", "FORM_KEY_FILE cannot be read", "HOME_KEY_FILE cannot be read"} == {
        found.hint for found in caught.value.findings
    }


# --- files ---


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "routes.yaml"


def test_included_files_add_rules_accounts_and_vars(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        routes=HEAD + "include: routes.d/*.yaml\n" + rule(PING),
        routes__d="",
        more__b=rule(PING),
    )
    (tmp_path / "routes.d").mkdir()
    (tmp_path / "routes.d" / "b.yaml").write_text("vars: {x: 5}\n" + rule(PING).replace("one", "two"))
    rules = load_rules(path, CATALOGUE, SECRETS.get)
    assert ["one", "two"] == [each.id for each in rules.rules]
    assert {"x": 5} == rules.vars
    assert [path, tmp_path / "routes.d" / "b.yaml"] == list(rules.files)


def test_ids_are_unique_across_files_and_errors_name_the_right_one(tmp_path: Path) -> None:
    path = write(
        tmp_path, routes=HEAD + "include: [other.yaml, missing.yaml, none-*.yaml]\n" + rule(PING), other=rule(PING)
    )
    with pytest.raises(RulesInvalid) as caught:
        load_rules(path, CATALOGUE, SECRETS.get)
    shown = [f"{Path(found.file).name}:{found.line} {found.message} = {found.hint}" for found in caught.value.findings]
    assert [
        f"other.yaml:2 the rule id 'one' is used twice = first on line 9 of {path}",
        f"routes.yaml:7 there is no file 'missing.yaml' = looked in the folder of {path}",
        f"routes.yaml:7 no file fits this pattern = looked in the folder of {path}",
    ] == shown


def test_defaults_and_include_belong_in_the_main_file(tmp_path: Path) -> None:
    path = write(tmp_path, routes="include: a.yaml\n", a="include: b.yaml\ndefaults: {timeout: 5s}\n")
    with pytest.raises(RulesInvalid) as caught:
        load_rules(path, CATALOGUE, SECRETS.get)
    assert ["'include' belongs in the main file only", "'defaults' belongs in the main file only"] == [
        found.message for found in caught.value.findings
    ]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match="there is no such file"):
        load_rules(tmp_path / "routes.yaml", CATALOGUE, SECRETS.get)


def test_the_version_changes_with_any_text(tmp_path: Path) -> None:
    path = write(tmp_path, routes="include: a.yaml\n", a="vars: {x: 1}\n")
    first = load_rules(path, CATALOGUE, SECRETS.get).version
    assert first == load_rules(path, CATALOGUE, SECRETS.get).version
    (tmp_path / "a.yaml").write_text("vars: {x: 2}\n")
    assert first != load_rules(path, CATALOGUE, SECRETS.get).version


def test_texts_kept_earlier_load_again_as_the_same_version(tmp_path: Path) -> None:
    path = write(tmp_path, routes=HEAD + "include: b.yaml\n" + rule(PING), b="vars: {x: 1}\r\n")
    first = load_rules(path, CATALOGUE, SECRETS.get)
    (tmp_path / "b.yaml").unlink()
    again = load_texts(first.texts, CATALOGUE, SECRETS.get)
    assert (first.version, {"x": 1}, ["one"]) == (again.version, again.vars, [each.id for each in again.rules])


def test_sources_can_be_had_from_a_file_whose_rules_are_broken(tmp_path: Path) -> None:
    path = write(tmp_path, routes=HEAD + rule("    whem: 1\n" + PING))
    doors = load_doors(path, CATALOGUE, SECRETS.get)
    assert (["plumb", "leads"], ()) == (list(doors.sources), doors.rules)
    path.write_text(HEAD.replace("FORM_KEY", "NOPE"))
    with pytest.raises(RulesInvalid, match="NOPE is not set"):
        load_doors(path, CATALOGUE, SECRETS.get)
    path.write_text("a: [")
    with pytest.raises(RulesInvalid, match="never closed"):
        load_doors(path, CATALOGUE, SECRETS.get)


# --- whatever is written ---

scraps = st.recursive(
    st.sampled_from(
        ["job.completed", "home.ping", "home.create_job", "${data.id}", "${", "plumb", 1, None, True, "5s", "x"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "event",
                    "source",
                    "when",
                    "do",
                    "action",
                    "with",
                    "if",
                    "customerId",
                    "lineItems",
                    "$merge",
                    "retry",
                    "attempts",
                    "vendor",
                    "key",
                    "fallback",
                    "tests",
                    "connection",
                    "given",
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


@given(
    st.dictionaries(
        st.sampled_from(["version", "sources", "connections", "rules", "vars", "defaults", "include"]), scraps
    )
)
def test_any_structure_is_loaded_or_refused_with_findings(data: object) -> None:
    import json

    try:
        load(json.dumps(data))
    except RulesInvalid as invalid:
        assert any(found.severity == "error" for found in invalid.findings)
        assert invalid.render()


@given(st.lists(st.tuples(st.integers(0, 600), st.text("{}[]:'\"$-# \nax1", max_size=3)), max_size=4))
def test_a_damaged_file_is_loaded_or_refused_with_findings(edits: list[tuple[int, str]]) -> None:
    text = HEAD + rule(
        "    when: data.total_cents > 5\n    do:\n      - action: home.create_job\n        with:\n"
        "          customerId: 5\n          title: Job ${data.id}\n"
        "          lineItems: [{name: a, quantity: 1, unitPrice: '1'}]\n"
    )
    for position, piece in edits:
        text = text[:position] + piece + text[position + len(piece) :]
    try:
        load(text)
    except RulesInvalid as invalid:
        assert any(found.severity == "error" for found in invalid.findings)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("yyyy-MM-dd", "'yyyy' is no part of a date here, and stands for itself"),
        ("%Y-%m-%d", "'%Y' is no part of a date here, and stands for itself"),
        ("dddd D", "'dddd' is no part of a date here, and stands for itself"),
        ("DD/MM/YY", "'YY' is no part of a date here, and stands for itself"),
        ("YYYY-mm-DD", "'YYYY-mm' is the year and the minute: months are MM"),
        ("D MMM, HH:MM", "'HH:MM' is the hour and the month: minutes are mm"),
        ("YYYY-MM-DDTHH:mm:ssZ", None),
        ("ddd D MMM YYYY, h:mm A", None),
        ("YYYYMMDD [at] HHmm", None),
    ],
)
def test_a_pattern_of_a_date_in_another_tongue_is_warned_of(pattern: str, told: str | None) -> None:
    do = f'    do: [{{action: home.create_lead, with: {{last_name: "${{date(time, {pattern!r})}}"}}}}]\n'
    found = load_after_head(rule(do)).warnings
    assert ([] if told is None else [told]) == [each.message for each in found]


def test_braces_of_other_tools_are_warned_of() -> None:
    text = "Job {{ data.id }} for {{data.customer.last_name}}"
    (found,) = load_after_head(
        rule(f'    do: [{{action: home.create_lead, with: {{last_name: "{text}"}}}}]\n')
    ).warnings
    assert ("this is sent as it stands, and no value is put in", "write ${data.id}") == (found.message, found.hint)
    assert "{{ data.id }}" == found.source[found.column - 1 : found.column - 1 + found.length]
