"""The house's own rules, checked: directions of imports, sizes, names, links, locks, what a wheel carries."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import hooks

ROOT = Path(hooks.__file__).resolve().parent.parent
PACKAGE = ROOT / "hooks"
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FOLDERS_OF_TOOLS = {".git", ".venv", "__pycache__", "build", "dist", ".hooks", ".hypothesis", "node_modules"}


def modules() -> list[Path]:
    return sorted(
        path
        for folder in (PACKAGE, ROOT / "tests", ROOT / "benchmarks")
        for path in folder.rglob("*.py")
        if not FOLDERS_OF_TOOLS & set(path.parts)
    )


def texts() -> list[Path]:
    """Files that people wrote, as far as they are text."""
    endings = {".py", ".md", ".yaml", ".yml", ".toml", ".lock", ".sql", ".html", ".css", ".js", ".svg", ".json", ""}
    return sorted(
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and path.suffix in endings
        and not any(part in FOLDERS_OF_TOOLS or part.endswith((".egg-info", "_cache")) for part in path.parts)
    )


def test_imports_go_in_the_agreed_directions() -> None:
    ending = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )

    assert ending.returncode == 0, ending.stdout + ending.stderr


def test_a_module_past_500_lines_says_why_it_is_one() -> None:
    unexplained = [
        str(path.relative_to(ROOT))
        for path in modules()
        if "tests" not in path.relative_to(ROOT).parts
        if len(path.read_text("utf-8").splitlines()) > 500
        and "one module" not in (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    ]

    assert [] == unexplained, "say in the docstring why it is one module"


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [] == [str(path.relative_to(ROOT)) for path in modules() if path.stem in BANNED_NAMES]


def test_every_module_of_the_package_begins_with_what_it_promises() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert [] == silent


def test_the_changelog_knows_this_version() -> None:
    assert PROJECT["project"]["version"] == hooks.__version__
    assert re.search(rf"^## .*\b{re.escape(hooks.__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)


def headings(page: Path) -> set[str]:
    """What the places of a page are called in links."""
    text = page.read_text("utf-8")
    named = re.findall(r"^#+ (.+)$", text, re.M)
    made = {re.sub(r"[^\w\- ]", "", name.lower()).strip().replace(" ", "-") for name in named}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize(
    "page",
    sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.md")]),
    ids=lambda page: page.name,
)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    relative = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]

    assert [] == [link for link in relative if not (page.parent / link).exists()]
    to_headings = [link.partition("#")[::2] for link in links if "#" in link and not re.match(r"[a-z]+:", link)]
    assert [] == [link for link in to_headings if link[1] not in headings(page.parent / link[0] if link[0] else page)]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    places = re.compile(r"/(?:home|Users|root|work)/[A-Za-z0-9_.-]+/|[A-Z]:\\Users")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts()
        if path.name != Path(__file__).name and (match := places.search(path.read_text("utf-8", errors="replace")))
    ]

    assert [] == found


def test_no_file_holds_two_versions_of_itself() -> None:
    marks = re.compile(r"^(?:<{7} |>{7} )", re.M)
    found = [str(path.relative_to(ROOT)) for path in texts() if marks.search(path.read_text("utf-8", errors="replace"))]

    assert [] == found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_exact_versions_with_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry.strip()]

    assert [] == [entry for entry in entries if not re.match(r"[a-z0-9._-]+==\S+", entry)]
    assert [] == [entry for entry in entries if "--hash=sha256:" not in entry]
    assert None is re.search(r"://|@ |^-|\.internal", text, re.M)


@pytest.mark.parametrize(
    ("lock", "groups"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_a_lock_has_all_that_the_project_asks_for(lock: str, groups: list[str]) -> None:
    wanted = [*PROJECT["project"]["dependencies"]]
    for group in groups:
        wanted += PROJECT["dependency-groups"][group]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in wanted}
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text("utf-8"), re.M))

    assert set() == names - locked


def test_both_locks_agree_on_versions() -> None:
    pinned = [
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.M))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]

    assert pinned[0] == {name: version for name, version in pinned[1].items() if name in pinned[0]}


def test_a_wheel_carries_samples_schema_rules_and_every_module(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(PACKAGE, source / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "hooks").rglob("*")
        if path.is_file() and path.suffix in {".py", ".sql", ".json", ".html", ".css", ".js", ".md", ".yaml"}
    }

    assert set() == wanted - carried
    assert "hooks/cli/demo/demo.yaml" in carried


def test_the_container_copies_only_what_exists_and_is_let_in() -> None:
    steps = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    copied = [
        word for step in steps if step.startswith("COPY ") and "--from" not in step for word in step.split()[1:-1]
    ]
    let_in = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"
    }

    assert {"requirements.lock", "pyproject.toml", "README.md", "hooks"} == set(copied) == let_in
    assert [] == [name for name in copied if not (ROOT / name).exists()]


def test_the_container_runs_without_rights_and_checks_itself() -> None:
    steps = [line.split(maxsplit=1) for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if line.strip()]
    found = {step[0]: step[1] for step in steps if len(step) == 2}

    assert "10001:10001" == found["USER"]
    assert "/data" == found["VOLUME"]
    assert found["HEALTHCHECK"].endswith('CMD ["hooks", "healthcheck"]')
    assert '["hooks"]' == found["ENTRYPOINT"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_steps_of_the_container_give_a_command_that_works(tmp_path: Path) -> None:
    """Its pip steps, in a folder that holds only what the Dockerfile copies. Needs the package index."""
    for name in ("pyproject.toml", "README.md", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    steps = re.findall(r"(?:RUN |&& )(pip [^&\n]+)", (ROOT / "Dockerfile").read_text("utf-8"))
    environment = {**os.environ, "PATH": f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for step in steps:
        subprocess.run(step, shell=True, cwd=tmp_path, env=environment, check=True, capture_output=True)
    shutil.rmtree(tmp_path / "hooks")

    said = subprocess.run(
        [tmp_path / "venv" / "bin" / "hooks", "--version"], cwd=tmp_path, capture_output=True, text=True
    )

    assert 3 == len(steps)
    assert f"hooks {hooks.__version__}\n" == said.stdout
