"""What the shell completes, asked the way a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RULES = """\
version: 1
include: more/*.yaml
sources: {hcp: {vendor: housecall_pro}}
connections: {titan: {vendor: servicetitan}, office: {vendor: http}}
rules: [{id: job-to-homebase}, {id: lead-to-titan}]
"""


def completed(folder: Path, line: str) -> list[str]:
    environment = {**os.environ, "_HOOKS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "99"}
    environment["COMP_CWORD"] = str(len(line.split(" ")) - 1)
    ending = subprocess.run(
        [sys.executable, "-m", "hooks"], cwd=folder, env=environment, capture_output=True, text=True, timeout=50
    )
    assert "" == ending.stderr
    return ending.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hooks runs list --rule j", ["job-to-homebase"]),
        ("hooks events tail --rule ", ["estimate-to-office", "job-to-homebase", "lead-to-titan"]),
        ("hooks connections pause ", ["office", "titan"]),
        ("hooks connections test t", ["titan"]),
        ("hooks receipts list --source ", ["hcp"]),
        ("hooks vendors home", ["homebase360"]),
        ("hooks vendors homebase360.up", ["homebase360.update_customer", "homebase360.update_job"]),
        ("hooks send --sample housecall_pro/job.c", [f"housecall_pro/job.{it}" for it in ("canceled", "completed")]),
    ],
)
def test_names_are_completed(line: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(RULES)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.yaml").write_text("rules: [{id: estimate-to-office}]")
    found = completed(tmp_path, line)
    assert set(expected) <= set(found)
    assert all(name.startswith(line.rpartition(" ")[2]) for name in found)


@pytest.mark.parametrize("text", [None, "rules: [", "- 1", "rules: 5\nconnections: [x]\ninclude: 7", "\x00"])
def test_a_file_that_cannot_be_read_completes_to_nothing(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "routes.yaml").write_text(text)
    assert [] == completed(tmp_path, "hooks runs list --rule ")
