"""What the command line prints."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.cli.output import coloured, plain, print_fields, print_json, print_table


@given(st.text())
def test_no_value_can_act_on_a_terminal(text: str) -> None:
    shown = plain(text)

    assert all(character.isprintable() for character in shown)
    assert "\u202e" not in shown


def test_a_control_character_is_shown_as_an_escape() -> None:
    assert "red \\x1b[31m\\x0a\\u202e" == plain("red \x1b[31m\n\u202e")


def test_a_table_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "state"), [("run_" + "0" * 200, "done"), ("run_1", None)])

    lines = capsys.readouterr().out.splitlines()
    assert "id" + " " * 204 + "state" == lines[0]
    assert f"run_{'0' * 200}  done" == lines[1]
    assert "run_1" == lines[2]


def test_empty_fields_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"id": "rcp_1", "reason": None, "events": []})

    assert "id  rcp_1\n" == capsys.readouterr().out


def test_json_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zoë"})

    said = capsys.readouterr().out
    assert {"name": "Zoë"} == json.loads(said)
    assert "Zoë" in said


def test_there_are_no_colours_where_there_is_no_terminal() -> None:
    assert "failed" == coloured("failed", "red")
