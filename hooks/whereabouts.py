"""What a running server leaves in its data folder for the command line: where it is found. Its token lies beside it.

The note is held with a lock that the kernel frees: what a killed server has left says where somebody else is by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from hooks.errors import SettingsError

TOKEN_FILE = "admin.token"  # noqa: S105  # a file name
_FILE = "server.json"


@contextlib.contextmanager
def note(folder: Path, inbox: str | None, admin: str | None, database: str) -> Iterator[None]:
    """Note the addresses of this server and the database it uses, and hold the lock."""
    with (folder / _FILE).open("w", encoding="utf-8") as file:
        (folder / _FILE).chmod(0o600)
        locked = _locked(file, fcntl.LOCK_SH)  # there are file systems without locks
        told = {"inbox": inbox, "admin": admin, "pid": os.getpid(), "database": database, "locked": locked}
        file.write(json.dumps(told) + "\n")
        file.flush()
        yield


def forget(folder: Path) -> None:
    """Take the note away: the server stops. Raises OSError."""
    (folder / _FILE).unlink()


def noted(folder: Path) -> Mapping[str, Any]:
    """What the server of this folder has noted, nothing when there is none. Raises SettingsError: it is not ours."""
    try:
        found = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except PermissionError:
        raise SettingsError(f"{folder} belongs to another user: run this as the user of the server") from None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def left_behind(folder: Path) -> bool:
    """Whether what is noted is of a server that is there no more. One of an earlier release holds no lock on it."""
    if not noted(folder).get("locked"):
        return False
    try:
        with (folder / _FILE).open(encoding="utf-8") as file:
            return _locked(file, fcntl.LOCK_EX)
    except OSError:
        return False


def _locked(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
