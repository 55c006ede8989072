"""A power cut, replayed: the system calls of a run are recorded, and the disk is rebuilt as it may have been then.

What was synced is there. Of what was written since the last sync nothing, some or a torn part may be there, because the
kernel writes pages when it likes. Acknowledgements are system calls too (a line written to standard output), so what
had been acknowledged at each moment stands in the same record, in the same order.
"""

from __future__ import annotations

import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SCRIPT = """\
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from hooks.events import Receipt, new_id
from hooks.store.sqlite import open_sqlite

async def main(path, number, mode):
    store = await open_sqlite(Path(path), relaxed=True)
    if mode != "FULL":
        await store.engine._connection.run(lambda raw: raw.execute(f"PRAGMA synchronous = {mode}"))
    os.write(1, b"READY\\n")

    async def one():
        receipt = Receipt(new_id("rcp"), "s", "v", datetime.now(UTC), "accepted", body=b"x" * 700, events=1)
        await store.record(receipt, receipt.id.encode(), 60.0)
        os.write(1, b"ACK " + receipt.id.encode() + b"\\n")

    for _ in range(number // 3):
        await asyncio.gather(one(), one(), one())
    os.write(1, b"END\\n")
    os._exit(0)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""

Variant = Literal["gone", "some", "torn"]
VARIANTS: tuple[Variant, ...] = ("gone", "some", "torn")
_LINE = re.compile(r'^(\d+) +(\w+)\((\d+)(?:<([^>]*)>)?(?:, "((?:\\x[0-9a-f]{2})*)"(?:, (\d+)(?:, (\d+))?)?)?')
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")


@dataclass(frozen=True, slots=True)
class Op:
    """One call, in the order of its end: a write into a file, a sync of one, or a line on standard output."""

    kind: Literal["write", "sync", "cut", "said"]
    file: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """What is on the disk for certain, and what has been written since."""

    synced: dict[str, bytearray] = field(default_factory=dict)
    pending: list[Op] = field(default_factory=list)

    def take(self, op: Op) -> None:
        if op.kind in ("write", "cut"):
            self.pending.append(op)
        elif op.kind == "sync":
            for one in [one for one in self.pending if one.file == op.file]:
                _apply(self.synced, one)
            self.pending = [one for one in self.pending if one.file != op.file]

    def after_the_cut(self, variant: Variant, chance: random.Random) -> dict[str, bytearray]:
        files = {name: bytearray(content) for name, content in self.synced.items()}
        if variant == "gone":
            return files
        kept = [op for op in self.pending if chance.random() < 0.5]
        for number, op in enumerate(kept):
            if variant == "torn" and number == len(kept) - 1 and op.kind == "write":
                op = Op("write", op.file, op.offset, op.data[: chance.randrange(0, len(op.data) + 1, 512)])
            _apply(files, op)
        return files


def _apply(files: dict[str, bytearray], op: Op) -> None:
    content = files.setdefault(op.file, bytearray())
    if op.kind == "cut":
        del content[op.offset :]
        content.extend(b"\0" * (op.offset - len(content)))
        return
    if len(content) < op.offset:
        content.extend(b"\0" * (op.offset - len(content)))
    content[op.offset : op.offset + len(op.data)] = op.data


def record(folder: Path, tracer: str, number: int, mode: str) -> list[Op]:
    """Let a store take receipts under the tracer, and give what it asked of the system."""
    database, log, script = folder / "hooks.db", folder / "trace", folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    calls = "trace=pwrite64,write,fdatasync,fsync,ftruncate"
    command = [tracer, "-f", "-qq", "-y", "-xx", "-s", "70000", "-e", calls, "-e", "signal=none", "-o", str(log)]
    done = subprocess.run(
        [*command, sys.executable, str(script), str(database), str(number), mode], capture_output=True, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr.decode()
    return list(_read(log, database))


def _read(log: Path, database: Path) -> Iterator[Op]:
    begun: dict[str, Op] = {}
    for line in log.read_text(encoding="ascii").splitlines():
        if resumed := _RESUMED.match(line):
            if (op := begun.pop(resumed[1], None)) is not None:
                yield op
            continue
        found = _LINE.match(line)
        if found is None:
            continue
        thread, call, handle, name, data, size, offset = found.groups()
        op = _op(call, handle, _text(name or ""), data or "", size, offset, line, database)
        if op is None:
            continue
        if "<unfinished" in line:
            begun[thread] = op
        else:
            yield op


def _text(escaped: str) -> str:
    return _bytes(escaped).decode() if escaped.startswith("\\x") else escaped


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _op(
    call: str, handle: str, name: str, data: str, size: str | None, offset: str | None, line: str, database: Path
) -> Op | None:
    if call == "write":
        return Op("said", data=_bytes(data)) if handle == "1" else None
    suffix = name.removeprefix(str(database))
    if suffix not in ("", "-wal") or not name.startswith(str(database)):
        return None  # the journal of the first moments and the shared memory are not needed after a cut
    if call == "pwrite64":
        assert offset is not None, line
        return Op("write", suffix, int(offset), _bytes(data))
    if call == "ftruncate":
        length = re.search(r", (\d+)\)?", line)
        assert length is not None, line
        return Op("cut", suffix, int(length[1]))
    return Op("sync", suffix)


@dataclass
class Verdict:
    """What the cuts came to: how many were tried, how many left a broken file, and how many receipts were missing."""

    points: int = 0
    broken: int = 0
    missing_at: int = 0
    worst: int = 0


def cut(ops: Sequence[Op], folder: Path, points: int, seed: int) -> Verdict:
    """Cut the power at so many moments, each in every variant, and look at what is left."""
    chance = random.Random(seed)
    ready = next(number for number, op in enumerate(ops) if op.kind == "said" and b"READY" in op.data)
    disk = Disk()
    for op in ops[:ready]:
        disk.take(op)
    for name in ("", "-wal"):
        disk.take(Op("sync", name))  # the start is not what is cut
    moments = set(chance.sample(range(ready + 1, len(ops)), min(points, len(ops) - ready - 1)))
    told: list[str] = []
    verdict = Verdict()
    for number in range(ready, len(ops)):
        if number in moments:
            for variant in VARIANTS:
                _judge(disk.after_the_cut(variant, chance), told, folder / "after.db", verdict)
        op = ops[number]
        disk.take(op)
        if op.kind == "said":
            told += [line[4:].decode() for line in op.data.splitlines() if line.startswith(b"ACK ")]
    return verdict


def _judge(files: dict[str, bytearray], told: Sequence[str], database: Path, verdict: Verdict) -> None:
    for name in ("", "-wal", "-shm"):
        path = database.with_name(database.name + name)
        path.unlink(missing_ok=True)
        if name in files:
            path.write_bytes(files[name])
    verdict.points += 1
    try:
        with closing(sqlite3.connect(database)) as raw:
            sound = raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            there = {row[0] for row in raw.execute("SELECT id FROM receipts")}
    except sqlite3.DatabaseError:
        sound, there = False, set()
    missing = len([receipt for receipt in told if receipt not in there])
    verdict.broken += not sound
    verdict.missing_at += missing > 0
    verdict.worst = max(verdict.worst, missing)
