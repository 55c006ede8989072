"""The servers of compose files, manifests and the unit, started as processes with the very command lines they name.

No container engine is needed: paths of the image are led into folders of the test, and ports to free ones.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import postgres
from tests.deploy.test_deploy import MANIFESTS, ROOT, compose, documents
from tests.faults.killing import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]  # a start of a server for each

RULES = 'version: 1\nsources:\n  leads: {vendor: zapier, key: "${secret.LEADS_KEY}"}\nrules: []\n'
SECRETS = {"LEADS_KEY": "a-key-for-the-leads-of-this-test", "HOOKS_ADMIN_TOKEN": "an-admin-token-of-the-deploy-tests"}


_HERE = {
    "/run/secrets/database_url": "database",
    "/run/secrets/HOOKS_DATABASE": "database",
    "/run/secrets/HOOKS_ADMIN_TOKEN": "token",
    "/etc/hooks/routes.yaml": "routes.yaml",
    "/var/lib/hooks": "data",
    "/data": "data",
}
"""By the paths of the image and of the unit: the files of a test."""


class Place:
    """A machine that one server runs on: a folder for its files, and ports of its own."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        (folder / "routes.yaml").write_text(RULES, encoding="utf-8")
        (folder / "database").write_text(database or "", encoding="utf-8")
        (folder / "token").write_text(SECRETS["HOOKS_ADMIN_TOKEN"], encoding="utf-8")
        self.ports = {8080: free_port(), 8081: free_port()}

    def led(self, text: str) -> str:
        """What stands in a file for the image, as it is here."""
        text = re.sub("|".join(_HERE), lambda found: str(self.folder / _HERE[found[0]]), text)
        return text.replace(":8081", f":{self.ports[8081]}")

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
        led = {name: self.led(value) for name, value in given.items()}
        ports = {"HOOKS_PORT": str(self.ports[8080]), "HOOKS_ADMIN": f"127.0.0.1:{self.ports[8081]}"}
        return {**inherited, **ports, "HOOKS_FREE_SPACE": "0", "LEADS_KEY": SECRETS["LEADS_KEY"], **led}

    @contextmanager
    def serving(self, line: Sequence[str], given: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """The process, until it is stopped as supervisors do, which must end well in the time that they give it."""
        environment = self.environment(given)
        command = [sys.executable, "-m", "hooks", *map(self.led, line)]
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(30), self.said()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def until_answered(self, process: subprocess.Popen[bytes], port: int, path: str) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert process.poll() is None, self.said()
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=2):
                return
            time.sleep(0.05)
        raise AssertionError(self.said())

    def said(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8")


def image() -> dict[str, str]:
    """What the image sets for whatever runs in it."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"\b(HOOKS_\w+)=(\S+)", text))


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_a_pod_answers_its_probes_and_stops(file: Path, tmp_path: Path, postgres_database: str) -> None:
    [deployment] = [document for document in documents(file) if document["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    place = Place(tmp_path / "pod", postgres_database)
    given = {**image(), **{entry["name"]: entry["value"] for entry in container["env"]}, "HOOKS_DURABILITY": "relaxed"}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    with place.serving(container["args"], given) as process:
        for probe in ("livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            place.until_answered(process, ports[asked["port"]], asked["path"])


def test_the_services_of_compose_on_postgresql_are_healthy_side_by_side(tmp_path: Path, postgres_server: str) -> None:
    found = {name: one for name, one in compose("compose.postgres.yaml")["services"].items() if name != "database"}
    with postgres.database(postgres_server) as dsn:
        _all_healthy(found, {name: Place(tmp_path / name, dsn) for name in found}, list(found))


def _all_healthy(found: Mapping[str, dict[str, object]], places: Mapping[str, Place], left: list[str]) -> None:
    """Start the first of those that are left, and the others beside it; then ask each as its engine would."""
    if not left:
        for name, place in places.items():
            assert (0, "ok\n") == _checked(place, found[name])
        return
    place, service = places[left[0]], found[left[0]]
    given = {**image(), **_environment(service), "HOOKS_DURABILITY": "relaxed"}
    with place.serving(["serve"], given) as process:
        role = given.get("HOOKS_ROLE")
        place.until_answered(process, 8081 if role == "work" else 8080, "/readyz")
        _all_healthy(found, places, left[1:])


def _environment(service: Mapping[str, object]) -> dict[str, str]:
    given = service.get("environment", {})
    assert isinstance(given, dict)
    return given


def _checked(place: Place, service: Mapping[str, object]) -> tuple[int, str]:
    check = service["healthcheck"]
    assert isinstance(check, dict)
    line = [sys.executable, "-m", "hooks", *check["test"][2:]]
    environment = place.environment({**image(), **_environment(service)})
    asked = subprocess.run(line, env=environment, cwd=place.folder, capture_output=True, text=True, timeout=60)
    return asked.returncode, asked.stdout


def test_the_service_of_compose_on_a_file_is_healthy(tmp_path: Path) -> None:
    _all_healthy(compose("compose.yaml")["services"], {"hooks": Place(tmp_path / "hooks", None)}, ["hooks"])


def test_the_unit_starts_with_its_credentials_and_loads_rules_again(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "hooks.service")
    place = Place(tmp_path / "machine", None)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "LEADS_KEY").write_text(SECRETS["LEADS_KEY"], encoding="utf-8")
    given = {"CREDENTIALS_DIRECTORY": str(credentials), "LEADS_KEY": ""}
    with place.serving(shlex.split(unit["Service"]["ExecStart"])[1:], given) as process:
        place.until_answered(process, 8080, "/readyz")
        process.send_signal(signal.SIGHUP)
        while place.said().count("loaded:") < 2:
            assert process.poll() is None, place.said()
            time.sleep(0.05)
