"""A small town for tests of commands: the vendors' stand-ins and servers in processes of their own, on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hooks
from hooks.cli.reader import Server, find_server
from hooks.cli.sandboxes import credentials
from hooks.cli.tree import run
from hooks.cli.wire import call
from hooks.settings import Settings

SIGNING_SECRET = "a-signing-secret-of-this-test"

SOURCES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}
"""

CONNECTIONS = """\
connections:
  hcp: {vendor: housecall_pro, base_url: TOWN/housecall_pro, api_key: "${secret.HCP_API_KEY}"}
  homebase: {vendor: homebase360, base_url: TOWN/homebase360/api/v1, api_key: "${secret.HOMEBASE360_API_KEY}"}
  closer: {vendor: jobcloser, base_url: TOWN/jobcloser, key: "${secret.JOBCLOSER_KEY}"}
  titan:
    vendor: servicetitan
    base_url: TOWN/servicetitan
    auth_url: TOWN/servicetitan/connect/token
    tenant: 1
    app_key: ${secret.ST_APP_KEY}
    client_id: ${secret.ST_CLIENT_ID}
    client_secret: ${secret.ST_CLIENT_SECRET}
  good:
    vendor: supergood
    base_url: TOWN/supergood
    username: office@example.org
    password: ${secret.SUPERGOOD_PASSWORD}
  office: {vendor: http, base_url: TOWN/http, test_path: /status}
"""

RULES = """\
rules:
  - id: job-to-homebase
    event: [job.completed, employee.created]
    source: hcp
    when: data.total_cents >= 5000
    do:
      - action: homebase360.upsert_customer
        with: {customer: "${data.customer}"}
"""


def secrets() -> dict[str, str]:
    """What the rules file asks for, right for the stand-ins."""
    known = {
        name: credentials(name) for name in ("housecall_pro", "homebase360", "jobcloser", "servicetitan", "supergood")
    }
    return {
        "HCP_SIGNING_SECRET": SIGNING_SECRET,
        "HCP_API_KEY": known["housecall_pro"]["api_key"],
        "HOMEBASE360_API_KEY": known["homebase360"]["api_key"],
        "JOBCLOSER_KEY": known["jobcloser"]["key"],
        "ST_APP_KEY": known["servicetitan"]["app_key"],
        "ST_CLIENT_ID": known["servicetitan"]["client_id"],
        "ST_CLIENT_SECRET": known["servicetitan"]["client_secret"],
        "SUPERGOOD_PASSWORD": known["supergood"]["password"],
    }


def inherited() -> dict[str, str]:
    """The environment of whoever runs the tests, without settings of theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
    anywhere = {"HOOKS_DURABILITY": "relaxed", "HOOKS_FREE_SPACE": "0"}  # the folder of a test may be in memory
    return {**kept, **anywhere, "PYTHONPATH": str(Path(hooks.__file__).parent.parent), "PYTHONUNBUFFERED": "1"}


@dataclass
class Sandboxes:
    """All stand-ins in one process."""

    process: subprocess.Popen[str]
    address: str

    @classmethod
    def start(cls) -> Sandboxes:
        process = subprocess.Popen(
            [sys.executable, "-m", "hooks", "sandbox", "--port", "0"],
            env=inherited(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        address = next(match[1] for line in process.stdout if (match := re.match(r"(http://\S+)/http$", line.strip())))
        return cls(process, address)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)

    def control(self, method: str, vendor: str, name: str, value: object = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        return call(method, f"{self.address}/{vendor}/_sandbox/{name}", body=body).json()

    def requests(self, vendor: str) -> list[dict[str, Any]]:
        """What the vendor was asked since it was reset."""
        asked: list[dict[str, Any]] = self.control("GET", vendor, "requests")
        return asked

    def fault(self, vendor: str, **fault: Any) -> None:
        self.control("POST", vendor, "faults", fault)

    def reset(self) -> None:
        for vendor in ("housecall_pro", "homebase360", "jobcloser", "servicetitan", "supergood", "http"):
            self.control("POST", vendor, "reset")


@dataclass
class Town:
    """A folder with a rules file, its secrets in the environment, and the stand-ins it acts at."""

    folder: Path
    sandboxes: Sandboxes
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def begin(self) -> Town:
        self.monkeypatch.chdir(self.folder)
        for name in [name for name in os.environ if name.startswith("HOOKS_")]:
            self.monkeypatch.delenv(name)
        self.know(**secrets())
        self.write()
        return self

    def know(self, **values: str) -> None:
        """Secrets as the commands find them from now on."""
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)

    def write(self, rules: str = RULES, connections: str = CONNECTIONS, sources: str = SOURCES) -> None:
        text = (sources + connections + rules).replace("TOWN", self.sandboxes.address)
        (self.folder / "routes.yaml").write_text(text)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        code = run(arguments)
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, out, _ = self.run(*arguments, "--json")
        return code, json.loads(out)

    def serve(self, data: str = ".hooks", **environment: str) -> Server:
        """A server in a process of its own, once it is ready."""
        process = subprocess.Popen(
            [sys.executable, "-m", "hooks", "serve", "--data", data, "--port", "0", "--admin", "127.0.0.1:0"],
            cwd=self.folder,
            env={**inherited(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.servers.append(process)
        deadline = time.monotonic() + 30
        while True:
            found = find_server(Settings(data=self.folder / data))
            if found is not None and call("GET", f"{found.inbox}/readyz").status == 200:
                return found
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "the server did not become ready"
            time.sleep(0.05)

    def end(self) -> None:
        for process in self.servers:
            process.terminate()
        for process in self.servers:
            process.communicate(timeout=30)


def without_secrets(text: str, values: Mapping[str, str]) -> bool:
    """Whether none of the secrets shows in a text."""
    return not any(value in text for value in values.values())
