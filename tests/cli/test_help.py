"""Help as a newcomer reads it: every command says what it does, what its values are, and has an example."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hooks.cli.tree import app, run

PROMISED = """
demo serve init check explain test backtest send sandbox top reconcile stats healthcheck vendors
events:list,show,tail,replay receipts:list,show runs:list,show,retry,cancel,resolve,case
rules:list,history,diff,rollback,describe,schema connections:list,test,pause,resume sources:list
subscriptions:list,create,delete,doctor people:find,show,review,link,unlink,export,forget
token:rotate db:migrate,backup,check,prune config:show
"""
ACTING = {"demo", "serve", "sandbox", "healthcheck"}
"""What runs until it is stopped, or has one form only."""


def commands(node: Any, path: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(node, "commands", {}).items():
        if getattr(inner, "commands", None):
            yield from commands(inner, (*path, name))
        else:
            yield " ".join((*path, name)), inner


ALL = dict(commands(typer.main.get_command(app)))


def test_every_promised_command_is_there() -> None:
    promised = set()
    for word in PROMISED.split():
        group, _, inner = word.partition(":")
        promised |= {f"{group} {name}" for name in inner.split(",")} if inner else {group}
    assert set() == promised - ALL.keys()


@pytest.mark.parametrize("name", ALL)
def test_a_command_explains_itself(name: str) -> None:
    command = ALL[name]
    assert re.match(r"^[A-Z].*\.", command.help), "what it does, as a sentence"
    assert command.epilog.startswith("Example: ") and f"hooks {name}" in command.epilog
    for option in command.params:
        if option.name == "help":
            continue
        assert option.help, f"{option.name} has no help"
        takes_words = option.is_flag if hasattr(option, "is_flag") else False
        assert option.metavar or takes_words or option.type.name == "choice", f"{option.name}: say what it takes"
    if name not in ACTING:
        assert any("--json" in option.opts for option in command.params), "for programs"


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_cut_off_in_a_terminal_of_eighty_columns(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert 0 == shown.exit_code
    assert {80} >= {len(line) for line in shown.output.splitlines() if "─" in line}
    assert "…" not in shown.output


@pytest.mark.parametrize("wrong", ["serv", "evnets", "event"])
def test_a_mistyped_command_is_recognized(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run([wrong])
    assert "Did you mean" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    writing = subprocess.Popen(
        [sys.executable, "-m", "hooks", "vendors", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writing.stdout is not None and writing.stderr is not None
    assert writing.stdout.readline()
    writing.stdout.close()
    said = writing.stderr.read()
    writing.stderr.close()
    writing.wait(30)
    assert b"" == said


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["vendors", "nothing"], "there are housecall_pro, zapier"),
        (["vendors", "servicetitn"], "did you mean 'servicetitan'?"),
        (["vendors", "homebase360.creat_job"], "did you mean 'homebase360.create_job'?"),
        (["vendors", "homebase360.zzzz"], "`hooks vendors homebase360` lists its actions"),
    ],
)
def test_a_name_that_there_is_not_is_told_with_those_that_there_are(
    asked: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(asked)
    assert told in capsys.readouterr().err
