"""The rule files on disk: who edited them last, and writing them back whole, so that nobody ever reads half of one.

What would be lost by writing, because it was never in force and so is in no history, is set aside beside the file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from hooks.errors import Conflict

_NEW_FILE_MODE = 0o640


def author_of(paths: Iterable[Path]) -> str:
    """The system user who owns the file that was changed last: an editor that saves makes a file of its user."""
    with contextlib.suppress(OSError, KeyError, ImportError, ValueError):
        import pwd

        newest = max((path.stat() for path in paths), key=lambda found: found.st_mtime_ns)
        return pwd.getpwuid(newest.st_uid).pw_name
    return "unknown"


def text_of(path: Path) -> str | None:
    """The file as text, as the loader keeps it; None when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def places_of(names: Iterable[str], main: Path) -> dict[str, Path]:
    """Where files of earlier rules belong now: the first is the main file, the others lie where they lay beside it."""
    first, *others = map(Path, names)

    def place(other: Path) -> Path:
        if other.is_absolute() and not first.is_absolute():
            return other  # the file named it so
        return main.parent / os.path.relpath(other, first.parent)

    return {str(first): main, **{str(other): place(other) for other in others}}


def changed_since(texts: Mapping[str, str], places: Mapping[str, Path]) -> list[Path]:
    """The files that are not as these texts have them."""
    return [place for name, place in places.items() if text_of(place) != texts[name]]


def changed(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Of these texts, those that their files do not hold already."""
    return {place: text for place, text in texts.items() if text_of(place) != text}


def unwanted_files(wanted: Mapping[Path, str], included: Iterable[Path]) -> list[Path]:
    """What would be included beside the wanted files."""
    ours = {path.resolve() for path in wanted}
    return [path for path in included if path.resolve() not in ours]


def write_files(texts: Mapping[Path, str], unwanted: Iterable[Path], known: Iterable[str], now: datetime) -> list[Path]:
    """Bring the files to these texts and take the unwanted ones away; gives what was set aside.

    ``known`` are texts that the history keeps: a file with another text is copied to ``<name>.unloaded-<time>`` first.
    Every file is written and synced beside its place before the first is moved there. Raises Conflict when the files
    cannot be written, with nothing changed.
    """
    kept = set(known)
    gone = [path for path in unwanted if path.exists()]
    staged: list[tuple[Path, Path]] = []
    aside: list[Path] = []
    before: dict[Path, bytes | None] = {}
    try:
        for path, text in texts.items():
            staged.append((_staged(path, text.encode("utf-8", "surrogatepass")), path.resolve()))
        for path in (*texts, *gone):
            found = text_of(path)
            if found is not None and found not in kept and found != texts.get(path):
                aside.append(_set_aside(path, now))
        for new, place in staged:
            before[place] = place.read_bytes() if place.exists() else None
            new.replace(place)
        for path in gone:
            before[path] = path.read_bytes()
            path.unlink()
    except OSError as error:
        for new, _ in staged:
            new.unlink(missing_ok=True)
        for place, content in before.items():
            with contextlib.suppress(OSError):
                _put_back(place, content)
        raise Conflict(
            f"the rule files cannot be written here ({error.strerror or error}): change them where they come from"
        ) from None
    return aside


def _put_back(place: Path, content: bytes | None) -> None:
    if content is None:
        place.unlink(missing_ok=True)
    elif not place.exists() or place.read_bytes() != content:
        _staged(place, content).replace(place)


def _staged(path: Path, content: bytes) -> Path:
    """The content in a file of its own beside its place, with the mode of the one it will replace. Follows links."""
    place = path.resolve()
    try:
        mode = place.stat().st_mode & 0o7777
    except FileNotFoundError:
        mode = _NEW_FILE_MODE
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.chmod(mode)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _set_aside(path: Path, now: datetime) -> Path:
    aside = path.with_name(f"{path.name}.unloaded-{now:%Y%m%dT%H%M%S%f}")
    aside.write_bytes(path.read_bytes())
    return aside
