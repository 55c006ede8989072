"""The rule files, watched: whoever saves one need not tell the server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

log = logging.getLogger("hooks.app")

WATCH_POLL = 2.0
"""Seconds after which rule files are looked at without having been told to: not every file system tells."""


class RuleFileWatch:
    """Calls ``reload`` when the rule file, or one that it includes, is another than before."""

    def __init__(
        self, routes: Path, texts: Callable[[], Mapping[str, str] | None], reload: Callable[[], Awaitable[None]]
    ) -> None:
        """``texts``: what the files said when they were last read, by their names, and not what is in force: that may
        be another server's, and whoever followed it would put its own files back in force, and so would the other."""
        self._routes = routes
        self._texts = texts
        self._reload = reload

    async def run(self) -> None:
        """Reload when the rule file or one that it includes has changed. Goes on whatever becomes of the folders."""
        seen = self.files()
        while True:
            folders = {path.parent for path in seen if path.parent.is_dir()}
            try:
                await self._changed(folders)
            except (OSError, RuntimeError) as error:  # a folder is gone, or the system gives no more watches
                log.debug("rule files are looked at every %g s instead of watched: %s", WATCH_POLL, error)
                await asyncio.sleep(WATCH_POLL)
            now = self.files()
            if now != seen:
                await self._reload()
                seen = self.files()

    async def _changed(self, folders: set[Path]) -> None:
        """Return when something in the folders has changed, or after a while."""
        from watchfiles import awatch

        if not folders:
            await asyncio.sleep(WATCH_POLL)
            return
        watching = awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            debounce=400,
            step=50,
            rust_timeout=round(WATCH_POLL * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        async with contextlib.aclosing(watching):
            async for _ in watching:
                return

    def files(self) -> dict[Path, tuple[int, ...] | None]:
        """The rule files and what tells an edited one from the one that was read, links followed."""
        routes = self._routes.absolute()
        texts = self._texts()
        files = {routes, *(() if texts is None else (Path(name).absolute() for name in texts))}
        if texts is None or any("include" in text for text in texts.values()):
            files |= {path for folder in {file.parent for file in files} for path in folder.glob("*.y*ml")}
        return {file: _stamp(file) for file in sorted(files)}


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
