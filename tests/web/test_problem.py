"""Answers: ready-made, and telling nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooks.web.problem import Prepared, as_json, problem, raw_problem


def test_json_is_utf_8_and_what_utf_8_cannot_carry_is_escaped() -> None:
    assert '{"a":"é"}'.encode() == as_json({"a": "é"})
    assert b'{"a":"\\ud800"}' == as_json({"a": "\ud800"})


def test_a_problem_names_its_status() -> None:
    assert {"type": "about:blank", "title": "Not Found", "status": 404} == json.loads(problem(404).body)
    assert "No." == json.loads(problem(400, "No.").body)["detail"]


def test_a_raw_problem_is_a_whole_answer() -> None:
    head, _, body = raw_problem(408, "Slow.").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"content-length: %d" % len(body) in head
    assert b"connection: close" in head


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (Prepared(200, b"{}", b"application/json"), {b"content-length", b"content-type"}),
        (Prepared(200, b"", b"application/json"), {b"content-length"}),
        (Prepared(204, b"{}", b"application/json"), set()),
    ],
)
async def test_an_answer_describes_the_body_it_has(answer: Prepared, names: set[bytes]) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await answer(send)
    assert names == {name for name, _ in sent[0]["headers"]} & {b"content-length", b"content-type"}
    assert (b"" if answer.status == 204 else answer.body) == sent[1]["body"]
