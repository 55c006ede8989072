"""The files for putting hooks up: they say what the program understands, and agree with the image and each other."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hooks.cli.tree import app
from hooks.settings import Settings

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
OPTIONS = {f"HOOKS_{name.upper()}" for name in Settings.__slots__} | {"HOOKS_ADMIN"}


def documents(*files: Path) -> Iterator[dict[str, Any]]:
    for file in files:
        yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


def compose(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def containers() -> Iterator[dict[str, Any]]:
    for document in documents(*MANIFESTS):
        if document["kind"] == "Deployment":
            yield from document["spec"]["template"]["spec"]["containers"]


def command_lines() -> Iterator[list[str]]:
    for container in containers():
        yield container["args"]
    for name in ("compose.yaml", "compose.postgres.yaml"):
        for service in compose(name)["services"].values():
            test = service["healthcheck"]["test"]
            if test[1] == "hooks":
                yield test[2:]
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "hooks.service")
    yield shlex.split(unit["Service"]["ExecStart"])[1:]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for found in re.findall(r'CMD \["(?:hooks", ")?(\w+)"\]', dockerfile):
        yield [found]


@pytest.mark.parametrize("line", list(command_lines()), ids=" ".join)
def test_every_command_line_is_one_that_the_program_takes(line: list[str]) -> None:
    result = CliRunner().invoke(app, [*line, "--help"])
    assert 0 == result.exit_code, result.output


def test_every_variable_is_one_that_the_program_reads() -> None:
    named: set[str] = set()
    for container in containers():
        named |= {entry["name"] for entry in container["env"]}
    for service in compose("compose.postgres.yaml")["services"].values():
        named |= {name for name in service["environment"] if name.startswith("HOOKS_")}
    assert named
    assert {name.removesuffix("_FILE") for name in named} <= OPTIONS


def test_replicas_share_postgresql_and_both_roles_are_there() -> None:
    services = compose("compose.postgres.yaml")["services"]
    roles = [service["environment"].get("HOOKS_ROLE") for service in services.values()]
    assert (2, 2) == (roles.count("receive"), roles.count("work"))
    roles = [container["args"][container["args"].index("--role") + 1] for container in containers()]
    assert ["receive", "work"] == sorted(roles)


def test_nothing_runs_with_more_rights_than_it_needs() -> None:
    for service in (compose("compose.yaml")["services"]["hooks"], compose("compose.postgres.yaml")["x-hooks"]):
        assert (True, ["ALL"]) == (service["read_only"], service["cap_drop"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    for container in containers():
        context = container["securityContext"]
        assert (False, True) == (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"])
        assert ["ALL"] == context["capabilities"]["drop"]


def test_whoever_stops_it_waits_long_enough() -> None:
    """A stop takes up to 30 seconds: 4 for answers, 20 for calls, and the rest."""
    for document in documents(*MANIFESTS):
        if document["kind"] == "Deployment":
            assert document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 35
    assert "30s" == compose("compose.yaml")["services"]["hooks"]["stop_grace_period"]
    assert "TimeoutStopSec=35" in (ROOT / "deploy" / "hooks.service").read_text(encoding="utf-8")


def test_what_selects_finds_what_it_means() -> None:
    labels = [
        document["spec"]["template"]["metadata"]["labels"]
        for document in documents(*MANIFESTS)
        if document["kind"] == "Deployment"
    ]
    for document in documents(*MANIFESTS):
        selector = document["spec"].get("selector")
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            assert 1 == sum(wanted.items() <= each.items() for each in labels), document["metadata"]["name"]


def test_the_paths_are_those_of_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for container in containers():
        for mount in container["volumeMounts"]:
            assert mount["mountPath"] in ("/tmp", "/run/secrets") or mount["mountPath"] in dockerfile


def test_no_service_of_the_cluster_sets_our_settings() -> None:
    services = [one["metadata"]["name"] for one in documents(*MANIFESTS) if one["kind"] == "Service"]
    assert "hooks" in services, "its links are variables that begin with HOOKS_"
    pods = [one["spec"]["template"]["spec"] for one in documents(*MANIFESTS) if one["kind"] == "Deployment"]
    assert [False, False] == [pod["enableServiceLinks"] for pod in pods]
