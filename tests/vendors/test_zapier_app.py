"""The app for Zapier under zapier-platform-core's own test runner, against a real server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import hooks
from tests.journeys.world import LEADS_KEY, SECRETS, World

APP = Path(hooks.__file__).parent / "vendors" / "zapier" / "app"
MODULES = Path(hooks.__file__).parent.parent / "build" / "zapier" / "node_modules"
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(
    NODE is None or not (MODULES / "zapier-platform-core").is_dir(),
    reason="needs Node and zapier-platform-core: `make zapier` installs it from npm and runs this",
)

RULES = """\
version: 1
sources:
  hcp: {vendor: housecall_pro, signing_secret: "${secret.HCP_SIGNING_SECRET}"}
  leads: {vendor: zapier, key: "${secret.LEADS_KEY}", hooks: {events: ["job.*"], hosts: ["HOST"]}}
rules: []
"""


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    async with World(tmp_path) as world:
        yield world


@needs_node
async def test_the_app_works_under_the_platforms_runner(world: World, tmp_path: Path) -> None:
    assert NODE is not None
    await world.serve(RULES.replace("HOST", world.sandbox_url.removeprefix("http://")))
    app = tmp_path / "app"
    shutil.copytree(APP, app)
    (app / "node_modules").symlink_to(MODULES)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "HOOKS_ADDRESS": f"{world.inbox}/in/leads",
        "HOOKS_KEY": LEADS_KEY,
        "HOOK_URL": f"{world.sandbox_url}/zapier/hooks/standard/77/app/",
    }

    running = await asyncio.create_subprocess_exec(
        NODE,
        "--test",
        "--test-reporter=tap",
        cwd=app,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(running.communicate(), 50)
    said = output.decode()

    assert 0 == running.returncode, said
    counted = dict(re.findall(r"^# (tests|pass|fail|skipped) (\d+)$", said, re.M))
    assert {"tests": "10", "pass": "10", "fail": "0", "skipped": "0"} == counted, said
    await world.quiet()
    [lead] = (await world.read("events?type=lead.created"))["items"]
    assert "Maya Ortiz" == lead["data"]["customer"]["display_name"]


def test_the_app_is_small_and_brings_no_modules() -> None:
    files = [file.relative_to(APP).as_posix() for file in APP.rglob("*") if file.is_file()]

    assert [] == [file for file in files if "node_modules" in file or "lock" in file]
    assert {"package.json", "index.js", "authentication.js", "README.md"} < set(files)
