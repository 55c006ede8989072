"""A witness of what the machine itself holds up: a process that sleeps, writes and syncs, and notes how long it took.

A webhook that is late while the witness was held up too proves nothing about our server: the disk was busy with what
somebody else writes, or the processors with what somebody else computes. What is late while it went on is ours.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

USUAL = 0.03
"""Seconds of each of its rounds that are no hold-up: its sleep, and a sync of a disk that does nothing else."""

_SCRIPT = """\
import os, sys, time
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
began = time.monotonic()
while True:
    time.sleep(0.015)
    os.pwrite(file, b"x" * 4096, 0)
    os.fdatasync(file)
    ended = time.monotonic()
    os.write(1, b"%.4f %.4f\\n" % (began, ended))
    began = ended
"""


class Witness:
    """Enter it with ``with``; its clock is `time.monotonic`, which is the same in all processes of a machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes = folder / "witness.txt"

    def __enter__(self) -> Witness:
        with self._notes.open("wb") as notes:
            command = [sys.executable, "-S", "-E", "-c", _SCRIPT, str(self._folder / "witness.bin")]
            self._process = subprocess.Popen(command, stdout=notes)
        while not self._rounds():
            assert self._process.poll() is None, "the witness ended"
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def held_up(self, began: float, ended: float) -> float:
        """Seconds between these moments in which it could not go on. Waits until it has seen the last of them."""
        while self._rounds()[-1][1] < ended:
            assert self._process.poll() is None, "the witness ended"
            time.sleep(0.01)
        within = (min(last, ended) - max(first, began) for first, last in self._rounds())
        return sum(max(0.0, seconds - USUAL) for seconds in within)

    def _rounds(self) -> list[tuple[float, float]]:
        lines = self._notes.read_text().split("\n")[:-1]
        return [(float(first), float(last)) for first, last in (line.split() for line in lines)]
