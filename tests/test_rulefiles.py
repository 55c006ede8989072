"""Rule files on disk: written whole or not at all, and nothing lost that no history knows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks.errors import Conflict
from hooks.rulebook.files import author_of, places_of, unwanted_files, write_files

NOW = datetime(2026, 5, 4, 14, 2, 11, tzinfo=UTC)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_file_is_replaced_with_its_mode_kept(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text("old")
    file.chmod(0o604)

    aside = write_files({file: "new"}, (), ["old"], NOW)

    assert ([], {"routes.yaml": "new"}, 0o604) == (aside, contents(tmp_path), file.stat().st_mode & 0o777)


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "r.yaml").write_text("old")
    link = tmp_path / "routes.yaml"
    link.symlink_to(Path("real") / "r.yaml")

    write_files({link: "new"}, (), ["old"], NOW)

    assert link.is_symlink()
    assert "new" == (tmp_path / "real" / "r.yaml").read_text()


def test_what_no_history_knows_is_set_aside(tmp_path: Path) -> None:
    file, extra, known = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml"
    file.write_text("half an edit")
    extra.write_text("never loaded")
    known.write_text("in force")

    aside = write_files({file: "new"}, [extra, known], ["in force"], NOW)

    assert {
        "a.yaml": "new",
        "a.yaml.unloaded-20260504T140211000000": "half an edit",
        "b.yaml.unloaded-20260504T140211000000": "never loaded",
    } == contents(tmp_path)
    assert ["a.yaml", "b.yaml"] == [path.name.split(".unloaded")[0] for path in aside]


def test_when_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    file, blocked = tmp_path / "routes.yaml", tmp_path / "folder.yaml"
    file.write_text("old")
    blocked.mkdir()
    (blocked / "inside").write_text("so that it cannot be replaced")

    with pytest.raises(Conflict, match="cannot be written here"):
        write_files({file: "new", blocked: "new"}, (), ["old"], NOW)

    assert {"routes.yaml": "old"} == contents(tmp_path)


def test_a_folder_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text("old")

    with pytest.raises(Conflict):
        write_files({file: "new", tmp_path / "gone" / "b.yaml": "new"}, (), ["old"], NOW)

    assert {"routes.yaml": "old"} == contents(tmp_path)


def test_files_of_before_belong_beside_the_main_file_of_now() -> None:
    now = Path("/srv/rules/routes.yaml")

    assert {
        "/etc/hooks/r.yaml": now,
        "/etc/hooks/more/a.yaml": Path("/srv/rules/more/a.yaml"),
        "/etc/b.yaml": Path("/srv/rules/../b.yaml"),
    } == places_of(["/etc/hooks/r.yaml", "/etc/hooks/more/a.yaml", "/etc/b.yaml"], now)
    assert {
        "r.yaml": now,
        "more/a.yaml": Path("/srv/rules/more/a.yaml"),
        "/opt/shared.yaml": Path("/opt/shared.yaml"),
    } == places_of(["r.yaml", "more/a.yaml", "/opt/shared.yaml"], now)


def test_the_main_file_is_not_in_its_own_way(tmp_path: Path) -> None:
    main, other = tmp_path / "routes.yaml", tmp_path / "other.yaml"
    main.touch()
    other.touch()

    assert [other] == unwanted_files({main: ""}, [main, other])


def test_the_author_of_an_edit_is_who_owns_the_file(tmp_path: Path) -> None:
    import pwd

    file = tmp_path / "routes.yaml"
    file.touch()

    assert pwd.getpwuid(os.getuid()).pw_name == author_of([file])
    assert "unknown" == author_of([tmp_path / "gone"])
    assert "unknown" == author_of([])
