"""`hooks rules describe`, `functions` and `schema`: a rules file for its owner, and the format for its authors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hooks.cli.options import AlwaysJson, AsJson, Routes
from hooks.cli.output import coloured, print_json, wrong_use
from hooks.settings import load_settings


def add_to(rules: typer.Typer) -> None:
    """Add the commands of this module to the group ``rules``."""
    rules.command(epilog="Example: hooks rules describe --svg > rules.svg")(describe)
    rules.command(epilog="Example: hooks rules functions --json")(functions)
    rules.command(epilog="Example: hooks rules schema > routes.schema.json")(schema)


def describe(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default="routes.yaml")
    ] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="A diagram for pages that render Mermaid.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="A diagram as SVG.")] = False,
    as_json: AsJson = False,
    routes: Routes = None,
) -> None:
    """Tell in plain sentences what a rules file does, or draw it. Needs no secret and sends nothing."""
    from hooks.cli.loading import catalogue
    from hooks.rules import diagram
    from hooks.rules.accounts import stand_in
    from hooks.rules.describe import describe_rules, sentences_text
    from hooks.rules.load import load_rules

    if sum((mermaid, svg, as_json)) > 1:
        raise wrong_use("give one of --mermaid, --svg and --json")
    settings = load_settings({"routes": file or routes})
    described = describe_rules(load_rules(settings.routes, catalogue(), stand_in), catalogue())
    if as_json:
        print_json(described)
    elif mermaid or svg:
        print((diagram.mermaid if mermaid else diagram.svg)(described), end="")
    else:
        print(sentences_text(described))


def functions(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page of the reference.")] = False,
) -> None:
    """List the functions of expressions, each with an example and what it gives."""
    import json

    from hooks.rules import reference

    if markdown:
        print(reference.functions_page(), end="")
    elif as_json:
        print_json(reference.functions())
    else:
        for each in reference.functions():
            print(f"{coloured(each['signature'], 'bold')}  {each['summary']}")
            print(coloured(f"    {each['example']} = {json.dumps(each['result'], ensure_ascii=False)}", "dim"))


def schema(as_json: AlwaysJson = False) -> None:
    """Print the JSON Schema of routes.yaml, for editors: completion, descriptions and mistakes as you type."""
    import json

    from hooks.cli.loading import catalogue
    from hooks.rules.schema import routes_schema

    print(json.dumps(routes_schema(catalogue()), ensure_ascii=False, indent=1))
