"""What the shell completes besides commands and options: names that stand in the rules file, and those of vendors.

The file is read with a plain YAML reader and never checked, and nothing is asked over the network: a shell waits for
this at every press of the key. What cannot be read completes to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer


def _read(routes: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(routes.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}


def _documents(context: typer.Context) -> list[dict[str, Any]]:
    """The rules file that the command line or the environment names, and the files that it includes."""
    from hooks.errors import SettingsError
    from hooks.settings import load_settings

    try:
        routes = load_settings({"routes": context.params.get("routes")}).routes
    except SettingsError:
        return []
    main = _read(routes)
    patterns = main.get("include")
    found = [main]
    for pattern in [patterns] if isinstance(patterns, str) else patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and not Path(pattern).is_absolute():
            found += [_read(path) for path in sorted(routes.parent.glob(pattern))]
    return found


def _keys(section: str) -> Callable[[typer.Context, str], list[str]]:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        names: Iterable[Any] = (name for one in _documents(ctx) for name in _mapping(one.get(section)))
        return _beginning(names, incomplete)

    return complete


def _rules(ctx: typer.Context, incomplete: str) -> list[str]:
    rules = (rule for one in _documents(ctx) for rule in _list(one.get("rules")))
    return _beginning((rule.get("id") for rule in rules if isinstance(rule, dict)), incomplete)


def _vendors(ctx: typer.Context, incomplete: str) -> list[str]:
    """Vendors, and after the dot their actions."""
    if "." not in incomplete:
        folders = (folder for folder in files("hooks.vendors").iterdir() if folder.is_dir())
        return _beginning((folder.name for folder in folders if not folder.name.startswith("_")), incomplete)
    from hooks.registry import VENDORS

    return _beginning((f"{vendor.name}.{action.name}" for vendor in VENDORS for action in vendor.actions), incomplete)


def _samples(incomplete: str) -> list[str]:
    """Recorded webhooks, as ``vendor/name``."""
    folders = (folder for folder in files("hooks.vendors").iterdir() if (folder / "samples").is_dir())
    names = (
        f"{folder.name}/{sample.name.removesuffix('.json')}"
        for folder in folders
        for sample in (folder / "samples").iterdir()
        if sample.name.endswith(".json") and not sample.name.endswith(".event.json")
    )
    return _beginning(names, incomplete)


def _beginning(names: Iterable[Any], incomplete: str) -> list[str]:
    return sorted({name for name in names if isinstance(name, str) and name.startswith(incomplete)})


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


complete_connections = _keys("connections")
complete_sources = _keys("sources")
complete_rules = _rules
complete_samples = _samples
complete_vendors = _vendors

SourceName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only of this source.", autocompletion=complete_sources)
]
RuleId = Annotated[
    str | None, typer.Option(metavar="ID", help="Only with a run of this rule.", autocompletion=complete_rules)
]
