"""The options and arguments that several commands share, so that each means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hooks.cli.completing import complete_samples
from hooks.cli.output import plain, wrong_use

Data = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="The data folder (HOOKS_DATA).", show_default=".hooks")
]
Routes = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The rules file (HOOKS_ROUTES).", show_default="routes.yaml")
]
Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The database (HOOKS_DATABASE).", show_default="hooks.db in --data"),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]
AlwaysJson = Annotated[bool, typer.Option("--json", help="It is JSON anyway: for programs that ask everything so.")]
TypePattern = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="Only of this type; * stands for anything.")
]
SearchText = Annotated[str | None, typer.Option(metavar="TEXT", help="Whom it is about, a vendor's id, or text in it.")]
Limit = Annotated[int, typer.Option(min=1, max=500, metavar="N", help="How many at most.")]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="NAME: VALUE",
        help="A header that comes with the body, such as 'X-GitHub-Event: push'; may be given several times.",
        show_default=False,
    ),
]
SampleName = Annotated[
    str | None,
    typer.Option(
        metavar="VENDOR/NAME",
        help="A recorded webhook: housecall_pro/job.completed.",
        autocompletion=complete_samples,
    ),
]


def check_event_id(text: str) -> None:
    """Ends the command when this can be no event's."""
    if not text.startswith("evt_") or not text[4:].isalnum():
        raise wrong_use(f"{plain(text)!r} is not the id of an event: it begins with evt_")
