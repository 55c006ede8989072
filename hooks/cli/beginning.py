"""The command that begins: `init` writes a first rules file for who sends and where it is to go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hooks.cli.completing import complete_vendors
from hooks.cli.options import AsJson, Routes
from hooks.cli.output import Exit, coloured, note, print_json, print_table, wrong_use
from hooks.settings import load_settings

if TYPE_CHECKING:
    from hooks.cli.first_rules import Draft


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        rich_help_panel="Write rules", epilog="Example: hooks init --from zapier --to jobcloser --to homebase360"
    )(init)


def _vendors(option: str, told: str) -> Any:
    return typer.Option(option, metavar="VENDOR", help=told, autocompletion=complete_vendors, show_default=False)


def init(
    senders: Annotated[
        list[str] | None, _vendors("--from", "Who sends webhooks, such as housecall_pro; may be given several times.")
    ] = None,
    targets: Annotated[
        list[str] | None,
        _vendors("--to", "Where something is to be done, such as homebase360; may be given several times."),
    ] = None,
    routes: Routes = None,
    as_json: AsJson = False,
) -> None:
    """Write a first rules file: sources, connections, and for each pair the rules that most offices begin with."""
    from hooks.cli.first_rules import draft, senders_known, targets_known

    for option, given, known in (("--from", senders, senders_known()), ("--to", targets, targets_known())):
        if not given:
            raise wrong_use(f"say {option} VENDOR: {', '.join(known)}")
        for name in given:
            if name not in known:
                from hooks.rules.findings import choice, did_you_mean

                raise wrong_use(f"{option} {name}: {did_you_mean(name, known) or choice('vendors', known)}")
    file = load_settings({"routes": routes}).routes
    made = draft(list(dict.fromkeys(senders or ())), list(dict.fromkeys(targets or ())))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(made.text)
    except FileExistsError:
        note(f"hooks: {file} is there already, and stays as it is: name another with --routes")
        raise typer.Exit(Exit.FAILED) from None
    except OSError as error:
        note(f"hooks: {file} cannot be written: {error.strerror}")
        raise typer.Exit(Exit.FAILED) from None
    if as_json:
        print_json({"file": str(file), **made.as_json()})
    else:
        _tell(file, made)


def _tell(file: Path, made: Draft) -> None:
    print(f"{file} has {made.counted()}.")
    for sender, target in made.without:
        told = f"Nothing is ready-made from {sender} to {target}: that rule is yours to write, see docs/rules.md."
        print(coloured(told, "yellow"))
    print(f"\n{coloured('Set these', 'bold')}, in the environment, or each in a file that NAME_FILE names:\n")
    print_table(("name", "what"), [[name, what] for name, what in made.secrets.items()])
    print(f"\n{coloured('Enter these addresses', 'bold')} at the senders, behind your host's https:\n")
    print_table(("sender", "address"), [[name, path] for name, path in made.addresses.items()])
    print(f"\n{coloured('Then', 'bold')}:\n")
    steps: list[list[Any]] = [
        ["hooks test", "the tests beside the rules: nothing is sent, and no secret is needed"],
        ["hooks check", "what is wrong with the file, before a server sees it"],
        ["hooks serve", "receive, and carry the rules out in your accounts, for real"],
    ]
    if made.sample is not None:
        steps.insert(1, [f"hooks explain --sample {made.sample}", "what a rule would send, field by field"])
    print_table(("command", "what it does"), steps)
