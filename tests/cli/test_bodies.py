"""A body of one's own for `hooks explain`: read as what it is, with the headers that come with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hooks.cli.tree import run

RULES = """\
version: 1
sources:
  repo: {vendor: webhook, unverified: only a test, type: "repo.${headers['x-github-event']}"}
  cloud: {vendor: cloudevents, key: "a shared key of a test"}
rules: []
"""
CLOUD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid", "data": {"total": 5}}


@pytest.mark.parametrize(
    ("source", "body", "headers", "told"),
    [
        ("repo", {"ref": "main"}, ["X-GitHub-Event: push"], "repo.push"),
        ("cloud", CLOUD, [], "order.paid"),
        ("cloud", [CLOUD], [], "order.paid"),
        (
            "cloud",
            {"total": 5},
            ["ce-specversion: 1.0", "ce-id: 1", "ce-source: /s", "ce-type: order.new"],
            "order.new",
        ),
    ],
)
def test_a_body_is_explained_as_its_source_reads_it(
    source: str, body: object, headers: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "routes.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "body.json").write_text(json.dumps(body), encoding="utf-8")
    named = [part for each in headers for part in ("--header", each)]
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json")]
    assert 0 == run(["explain", "--json", "--source", source, *given, *named])
    assert told == json.loads(capsys.readouterr().out)["event"]["type"]


def test_a_header_without_a_value_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routes.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "body.json").write_text("{}", encoding="utf-8")
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json"), "--source", "repo"]
    assert 2 == run(["explain", *given, "--header", "X-GitHub-Event"])
    assert "is no header: write --header 'X-GitHub-Event: push'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"foo": "bar"}', "for its sender's test of the address: it is answered, and no event comes of it"),
        (b'\xef\xbb\xbf{"event": "job.completed"}', "not JSON: it begins with a byte order mark"),
        (b'{"event": job.completed}', "not JSON: expected value at line 1 column 11"),
    ],
)
def test_what_makes_no_event_says_why(
    body: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hcp = '  hcp: {vendor: housecall_pro, signing_secret: "a signing secret of a test"}\nrules: []'
    (tmp_path / "routes.yaml").write_text(RULES.replace("rules: []", hcp), encoding="utf-8")
    (tmp_path / "body.json").write_bytes(body)
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json"), "--source", "hcp"]
    assert 2 == run(["explain", *given])
    assert told in capsys.readouterr().err


def test_why_a_step_sends_nothing_is_told_to_people_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = """
connections: {office: {vendor: http, base_url: "https://office.example.com"}}
rules:
  - id: one
    event: "repo.*"
    do: [{action: http.request, with: {path: "/heads/${raw.head}"}}]"""
    (tmp_path / "routes.yaml").write_text(RULES.replace("rules: []", office), encoding="utf-8")
    (tmp_path / "body.json").write_text('{"ref": "main"}', encoding="utf-8")
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json"), "--source", "repo"]
    assert 0 == run(["explain", *given, "--header", "X-GitHub-Event: push"])
    told = capsys.readouterr().out
    assert "nothing is sent: a part of 'path' came out empty (raw.head is missing)" in told
    assert "POST" not in told


def test_what_could_not_be_read_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routes.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "body.json").write_text('{"ref": "main"}', encoding="utf-8")
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json"), "--source", "repo"]
    assert 0 == run(["explain", *given])
    told = "It could not be read, and no rule acts on it: type: repo.${headers['x-github-event']} gave no name"
    assert told == capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    "address", ["nowhere", "ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:99999", "http://a:b"]
)
def test_what_is_no_address_is_wrong_use(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routes.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "body.json").write_text("{}", encoding="utf-8")
    given = ["--routes", str(tmp_path / "routes.yaml"), "--payload", str(tmp_path / "body.json"), "--source", "repo"]
    assert 2 == run(["send", *given, "--to", address])
    assert "write http://HOST:PORT, or the address up to /in/repo" in capsys.readouterr().err
