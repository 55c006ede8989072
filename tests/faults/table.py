"""The table of what was broken on this machine: each test of a fault hands in one line (the fixture ``tell``).

The lines travel in pytest's report: what ``make faults`` prints was measured in that run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FILES = (
    "tests/faults/test_kill_nine.py",
    "tests/faults/test_stopping.py",
    "tests/faults/test_full_disk.py",
    "tests/faults/test_disk_errors.py",
    "tests/faults/test_power_cut.py",
    "tests/faults/test_damage.py",
    "tests/faults/test_traffic.py",
    "tests/faults/test_flood.py",
    "tests/faults/test_poison.py",
    "tests/faults/test_hostile.py",
    "tests/faults/test_backlog.py",
    "tests/faults/test_leases.py",
    "tests/faults/test_canaries.py",
    "tests/upkeep",
)
ON_POSTGRES = (
    "tests/faults/test_cluster.py",
    "tests/faults/test_blame.py",
    "tests/faults/test_stopping.py::test_a_stop_under_load_answers_what_is_in_progress_and_loses_nothing",
    "tests/faults/test_disk_errors.py::test_senders_that_go_away_at_any_moment_leave_no_lock_behind",
    "tests/faults/test_disk_errors.py::test_without_file_handles_it_refuses_and_recovers_alone",
)
"""What is broken on PostgreSQL: what needs several servers, and of the others what is not about the file."""

HEADINGS = ("fault", "injected how", "lost", "unacted", "double", "recovery", "what was seen", "wanted")


class Row(NamedTuple):
    """One line. ``lost``: answered 2xx and not in the database; ``unacted``: there and not done; ``double``: twice.

    ``None`` where a fault is about something else. ``recovery``: seconds from the end of the fault to the next 2xx.
    """

    fault: str
    how: str
    wanted: str
    seen: str = ""
    lost: int | None = None
    unacted: int | None = None
    double: int | None = None
    recovery: float | None = None


def table(rows: Sequence[Row]) -> str:
    """The lines as Markdown, in the order of the matrix."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    for row in sorted(rows, key=_place):
        recovery = "" if row.recovery is None else f"{row.recovery:.1f} s"
        figures = ["" if number is None else str(number) for number in (row.lost, row.unacted, row.double)]
        lines.append("| " + " | ".join([row.fault, row.how, *figures, recovery, row.seen, row.wanted]) + " |")
    return "\n".join(lines) + "\n"


def _place(row: Row) -> tuple[int, str]:
    digits = row.fault[1:].split(" ")[0]
    return (int(digits) if digits.isdecimal() else 0), row.fault


def broken(long: bool, store: str = "sqlite") -> tuple[int, list[Row]]:
    """Run the tests that hand in lines; gives pytest's exit code, and the lines. ``long``: the long ones too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        which = "slow or not slow" if long else "not slow"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            which,
            f"--junit-xml={report}",
            "-o",
            "junit_family=xunit1",
            f"--store={store}",
            *(FILES if store == "sqlite" else ON_POSTGRES),
        ]
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        return code, rows_of(report.read_text(encoding="utf-8")) if report.is_file() else []


def rows_of(report: str) -> list[Row]:
    """The lines in pytest's report."""
    found = ElementTree.fromstring(report).iter("property")
    return [Row(**json.loads(one.attrib["value"])) for one in found if one.attrib["name"] == "fault"]
