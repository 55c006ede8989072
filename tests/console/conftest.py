"""A browser, and a console with a morning in it: `hooks demo --keep`, as a user starts it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "console"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Town:
    """A running demo: where its console is, who may enter, where its webhooks go, and where the vendors stand in."""

    console: str
    token: str
    inbox: str
    sandboxes: str
    folder: Path

    def post(self, address: str, body: object, **headers: str) -> Any:
        request = urllib.request.Request(
            address, data=json.dumps(body).encode(), headers={"content-type": "application/json", **headers}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def leads(self, body: object) -> list[str]:
        """Post to the source of leads; gives the ids of the events."""
        key = (self.folder / "secrets" / "LEADS_KEY").read_text()
        events: list[str] = self.post(f"{self.inbox}/in/leads", body, **{"x-api-key": key})["events"]
        return events

    def act(self, path: str, body: object) -> Any:
        return self.post(f"{self.console}/api/v1/{path}", body, authorization=f"Bearer {self.token}")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    demo = subprocess.Popen(
        [sys.executable, "-m", "hooks", "demo", "--keep", "--speed", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("demo")), "PYTHONUNBUFFERED": "1"},
    )
    assert demo.stdout is not None
    said = ""
    try:
        for line in demo.stdout:
            said += line
            if "Ctrl-C ends it" in line:
                break
        console = re.search(r"console +(http\S+) +\(sign in with the token in (\S+)\)", said)
        inbox = re.search(r"webhooks +(http[^,]+)/in/", said)
        sandboxes = re.search(r"sandboxes +(http[^,]+)/homebase360", said)
        assert console and inbox and sandboxes, said
        token = Path(console[2])
        yield Town(console[1], token.read_text().strip(), inbox[1], sandboxes[1], token.parents[1])
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's browser. Without one these tests are skipped, and fail where nobody would notice that (CI)."""
    given = os.environ.get("HOOKS_TEST_CHROMIUM")
    found = given or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = "these tests need a real browser: `apt-get install chromium`, or name one in HOOKS_TEST_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Ended with its module: Playwright's loop runs as long as it does, and tests of other modules have loops too."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


class Desk:
    """A browser's window at the console. It notes what a page complains about and whom it asks."""

    def __init__(self, browser: Browser, town: Town, **given: Any) -> None:
        self.town = town
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **given})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def sign_in(self, there: str = "/", token: str | None = None) -> Page:
        self.page.goto(self.town.console + there)
        self.page.get_by_label("Your name").fill("Ana")
        self.page.get_by_label("Admin token").fill(token or self.town.token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.town.console + there)
        return self.page

    def go(self, there: str) -> Page:
        self.page.goto(self.town.console + there)
        return self.page

    def shoot(self, name: str) -> None:
        """Keep a picture among the output of the tests."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    def close(self) -> None:
        """No error was said in the browser's console, and nobody but this server was asked for anything."""
        self.context.close()
        assert [] == self.complaints
        assert {self.town.console} == {"/".join(url.split("/")[:3]) for url in self.asked}


@pytest.fixture
def desk(browser: Browser, town: Town) -> Iterator[Desk]:
    opened = Desk(browser, town)
    opened.sign_in()
    yield opened
    opened.close()
