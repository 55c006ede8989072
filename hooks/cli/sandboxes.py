"""The stand-ins for the vendors under one port, each below its vendor's name: `hooks sandbox` and the demo."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import signal
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def sandboxes() -> Mapping[str, Starlette]:
    """A fresh sandbox of each vendor that has one, by the vendor's name."""
    import hooks.vendors

    names = [found.name for found in pkgutil.iter_modules(hooks.vendors.__path__)]
    return {
        name: importlib.import_module(f"hooks.vendors.{name}.sandbox").sandbox()
        for name in names
        if (files("hooks.vendors") / name / "sandbox.py").is_file()
    }


def _quiet_on_purpose() -> None:
    """Keep connections that a sandbox breaks on purpose out of the log: the server takes them for faults."""
    from hooks.kit.sandbox import Cut

    def by_mistake(record: logging.LogRecord) -> bool:
        return record.exc_info is None or not isinstance(record.exc_info[1], Cut)

    logging.getLogger("uvicorn.error").addFilter(by_mistake)


def together(apps: Mapping[str, Starlette]) -> Starlette:
    """All of them as one application."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    _quiet_on_purpose()
    return Starlette(routes=[Mount(f"/{name}", app) for name, app in apps.items()])


def credentials(vendor: str) -> Mapping[str, str]:
    """What signs in at a vendor's sandbox: its public constants, named as the keys of a connection are."""
    module = importlib.import_module(f"hooks.vendors.{vendor}.sandbox")
    return {
        name.lower(): value
        for name, value in vars(module).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }


async def serve_sandboxes(port: int) -> None:
    """Serve them until Ctrl-C or SIGTERM, after printing their addresses and what signs in there."""
    from hooks.web.listener import Listener

    apps = sandboxes()
    listener = Listener(together(apps), port=port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await listener.start()
    try:
        for name in apps:
            print(f"http://{listener.host}:{listener.port}/{name}")
            for key, value in credentials(name).items():
                print(f"    {key}: {value}")
        print("Records are shown at /<vendor>/_sandbox/records. Ctrl-C ends it.", flush=True)
        await stopped.wait()
    finally:
        await listener.stop(grace=1.0)
