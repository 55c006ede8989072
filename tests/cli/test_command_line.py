"""The command line as a whole: help, version, speed of starting, exit codes, no traceback for bad input."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import hooks
from hooks.cli.tree import app

HEAVY = ("starlette", "uvicorn", "httpx", "aiosqlite", "jinja2", "phonenumbers")


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, without settings of whoever runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOKS_")}
    return subprocess.run(
        [sys.executable, "-m", "hooks", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=50,
        env={**inherited, "PYTHONPATH": str(Path(hooks.__file__).parent.parent), **variables},
    )


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        for inner, child in getattr(command, "commands", {}).items():
            yield from below(f"{name} {inner}".strip(), child)
        if not hasattr(command, "commands"):
            yield name, command

    yield from below("", typer.main.get_command(app))


def test_the_version_is_told() -> None:
    ending = run("--version")

    assert (0, f"hooks {hooks.__version__}\n", "") == (ending.returncode, ending.stdout, ending.stderr)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--version"], (*HEAVY, "pydantic", "typer")),
        (["--help"], (*HEAVY, "pydantic")),
        (["events", "--help"], HEAVY),  # typer itself imports pydantic to show the options of a command
        (["serve", "--help"], HEAVY),
    ],
)
def test_asking_for_help_or_the_version_imports_nothing_heavy(arguments: list[str], heavy: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['hooks', *{arguments!r}]\n"
        "from hooks.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as ending:\n    assert not ending.code, ending.code\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    ending = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)

    assert (0, "[]") == (ending.returncode, ending.stderr.strip())


@pytest.mark.parametrize(("name", "command"), [pytest.param(*found, id=found[0]) for found in commands()])
def test_every_command_says_what_it_does_and_shows_an_example(name: str, command: Any) -> None:
    assert command.help
    assert command.epilog is not None
    assert command.epilog.startswith("Example: ")
    assert f"hooks {name}" in command.epilog


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["events", "show", "not-an-id"], 2),
        (["events", "list", "--since", "yesterday"], 2),
        (["runs", "list", "--state", "lost"], 2),
        (["events", "list"], 1),
        (["runs", "retry", "run_1"], 1),
        (["db", "check"], 1),
        (["serve", "--strict"], 3),
        (["serve", "--admin", "0.0.0.0:0"], 3),
        (["explain", "--sample", "housecall_pro/job.completed"], 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_bad_input_ends_in_a_sentence_and_its_exit_code(arguments: list[str], code: int, tmp_path: Path) -> None:
    ending = run(*arguments, cwd=tmp_path)

    assert code == ending.returncode, ending.stderr
    assert "" == ending.stdout
    assert ending.stderr.strip()
    assert "Traceback" not in ending.stderr


def test_a_rules_file_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    ending = run("check", "--json", cwd=tmp_path)

    assert 3 == ending.returncode
    told = json.loads(ending.stdout)
    assert not told["ok"]
    assert ["there is no such file"] == [finding["message"] for finding in told["findings"]]


def test_a_wrong_setting_in_the_environment_is_named() -> None:
    ending = run("config", "show", HOOKS_PORT="eighty")

    assert 3 == ending.returncode
    assert "HOOKS_PORT" in ending.stderr


def test_settings_are_shown_without_secrets() -> None:
    ending = run("config", "show", "--json", HOOKS_ADMIN_TOKEN="a-token-of-this-test", HOOKS_PORT="9000")

    assert "a-token-of-this-test" not in ending.stdout + ending.stderr
    shown = json.loads(ending.stdout)
    assert (9000, "***") == (shown["port"], shown["admin_token"])


def test_no_health_where_nothing_listens(tmp_path: Path) -> None:
    ending = run("healthcheck", cwd=tmp_path, HOOKS_PORT="1")
    assert "no server has noted its address in .hooks, so whoever is at http://127.0.0.1:1 is asked" in ending.stderr

    assert 1 == ending.returncode
    assert "does not answer" in ending.stderr
    assert "Errno" not in ending.stderr


ROOT = Path(hooks.__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "page", ["README.md", "docs/operating.md", "docs/adding-a-vendor.md", "docs/architecture.md", "Makefile"]
)
def test_pages_name_only_commands_options_and_settings_that_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    known = dict(commands())
    groups = {name.split()[0] for name in known if " " in name}

    for words in re.findall(r"(?:`|^ +|bin/)hooks ((?:[a-z]+ ?)+)((?:[^`\n])*)", text, re.M):
        first, *rest = words[0].split()
        name = f"{first} {rest[0]}" if first in groups and rest else first
        assert name in known or name in groups, f"{page} names `hooks {name}`"
        for option in re.findall(r"--[a-z-]+", words[1]):
            options = {spelling for parameter in known[name].params for spelling in parameter.opts}
            assert option in options, f"{page} names `hooks {name} {option}`"
    settings = (ROOT / "hooks" / "settings.py").read_text("utf-8")
    for variable in re.findall(r"HOOKS_([A-Z]+(?:_[A-Z]+)*)", text):
        written = variable.removesuffix("_FILE")
        assert f'"{written.lower()}"' in settings or f"HOOKS_{written}" in settings, f"{page} names HOOKS_{variable}"


CASE = """\
version: 1
sources:
  o: {vendor: webhook, unverified: "nobody but these tests"}
rules:
  - id: one
    event: webhook.received
    do: [{action: event.emit, with: {type: a.b, data: {}}}]
    tests: [{name: "größer", given: {payload: {}}, expect: [{action: event.emit}]}]
"""


def test_a_terminal_of_few_letters_gets_what_it_can_show(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(CASE, encoding="utf-8")
    told = run("test", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (0, True) == (told.returncode, "one: gr??er" in told.stdout), told.stderr
    listed = run("test", "--json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert "größer" == json.loads(listed.stdout)["tests"][0]["name"]


def test_a_closed_standard_output_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(CASE, encoding="utf-8")
    folder = str(Path(hooks.__file__).parent.parent)
    command = ["/bin/sh", "-c", f"exec {shlex.quote(sys.executable)} -m hooks check >&- 2>&-"]
    assert 0 == subprocess.run(command, cwd=tmp_path, timeout=50, env={**os.environ, "PYTHONPATH": folder}).returncode
