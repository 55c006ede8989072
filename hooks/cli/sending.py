"""The command that stands in for a sender: `send` signs one webhook and posts it to the running server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from hooks.addresses import http_parts
from hooks.cli.completing import complete_sources
from hooks.cli.options import AsJson, Data, Headers, Routes, SampleName
from hooks.cli.output import Exit, coloured, note, plain, print_json, wrong_use
from hooks.settings import Settings, load_settings


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Write rules", epilog="Example: hooks send --sample housecall_pro/job.completed")(send)


def send(
    sample: SampleName = None,
    payload: Annotated[Path | None, typer.Option(metavar="FILE", help="A body of your own instead.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The source to send it to; needed when several are of the vendor.",
            autocompletion=complete_sources,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Another server: https://your-host, or up to /in/NAME.", show_default="the running one"
        ),
    ] = None,
    header: Headers = None,
    as_json: AsJson = False,
    routes: Routes = None,
    data: Data = None,
) -> None:
    """Sign one webhook with the source's secret, post it to the running server and print the answer."""
    from hooks.cli.bodies import SourceReader, headers_of
    from hooks.cli.loading import load_rules, pick_source, read_sample
    from hooks.cli.signing import PROOFS
    from hooks.cli.wire import call

    if (sample is None) == (payload is None):
        raise wrong_use("give --sample VENDOR/NAME or --payload FILE")
    settings = load_settings({"routes": routes, "data": data})
    rules = load_rules(settings)
    recorded = None if sample is None else read_sample(sample)
    configured = pick_source(rules, source, None if recorded is None else recorded.vendor)
    if configured.vendor not in PROOFS:
        raise wrong_use(f"hooks does not know how a sender of {configured.vendor} proves itself")
    body = recorded.body if recorded is not None else _read(payload)
    headers = {} if recorded is None else {name.lower(): value for name, value in recorded.headers.items()}
    headers |= headers_of(header or ())
    if recorded is None:
        headers["content-type"] = SourceReader(configured).content_type(body, headers)
    headers |= PROOFS[configured.vendor](configured.settings, body, time.time(), headers)
    path, query = (recorded.path, recorded.query) if recorded is not None else ("", "")
    url = _door(to or _address(settings), configured.name) + path + (f"?{query}" if query else "")
    answer = call(recorded.method if recorded is not None else "POST", url, headers=headers, body=body)
    document = answer.json()
    shown = document if document is not None else answer.body.decode("utf-8", "replace")
    if as_json:
        print_json({"status": answer.status, "answer": shown})
    else:
        good = 200 <= answer.status < 300
        print(f"{coloured(str(answer.status), 'green' if good else 'red')}  {plain(shown)}")
        if isinstance(document, dict) and document.get("duplicate"):
            note("The server has seen these bytes before: it answered, and did nothing.")
        elif (hint := _HINTS.get(answer.status)) is not None:
            note(hint)
    if not 200 <= answer.status < 300:
        raise typer.Exit(Exit.FAILED)


_HINTS = {
    400: "`hooks receipts list --verdict quarantined` says what in it cannot be read.",
    401: "`hooks receipts list --verdict refused` says why. Has the server the same secret?",
    429: "`hooks healthcheck --detail` says why.",
    503: "`hooks healthcheck --detail` says why.",
}
"""What a sender is not told, and where whoever runs the server finds it."""


def _read(path: Path | None) -> bytes:
    assert path is not None, "one of --sample and --payload was given"
    try:
        return path.read_bytes()
    except OSError as error:
        raise wrong_use(f"{path} cannot be read: {error.strerror}") from None


def _door(address: str, source: str) -> str:
    """Where a source is reached: from the address of its server, the one up to ``/in``, or its own."""
    parts = http_parts(address)
    if parts is None or parts.query or parts.fragment:
        raise wrong_use(f"--to is {plain(address)!r}: write http://HOST:PORT, or the address up to /in/{source}")
    address = address.rstrip("/")
    return address if "/in/" in parts.path.rstrip("/") else f"{address.removesuffix('/in')}/in/{source}"


def _address(settings: Settings) -> str:
    from hooks.cli.reader import NoServer, find_server

    server = find_server(settings)
    if server is None:
        raise NoServer("no server answers for this data folder: start `hooks serve`, or give its address with --to")
    if not server.inbox:
        raise NoServer(
            "the running server takes no webhooks (--role work): give the address of one that does with --to"
        )
    return server.inbox
