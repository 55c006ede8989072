"""What `hooks top` shows: figures gathered from the admin API, and a board made of them for a terminal of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hooks.cli.output import plain

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from hooks.cli.reader import Server

MINUTES = 60
"""The past that rates and small charts are about."""

FAILURES = 5
_ROOMY = 22
"""Lines from which on there is room for failed runs and a second finding."""

_WITH_IDS = 110
"""Columns from which on a failed run is shown with its id."""

_BARS = " ▁▂▃▄▅▆▇█"
_TONES = {"waiting": "cyan", "running": "cyan", "held": "yellow", "failed": "red", "done": "green", "skipped": "dim"}
_LIGHTS = {"green": "green", "yellow": "yellow", "red": "bold red"}


def figures(server: Server) -> dict[str, Any]:
    """Everything on the board as one JSON document. Raises Refused, Unreachable."""

    def ask(path: str, **query: object) -> Any:
        return server.ask("GET", f"/api/v1/{path}", query, timeout=10)

    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "inbox": server.inbox,
        "admin": server.admin,
        "stats": ask("stats"),
        "health": ask("health"),
        "sources": ask("sources")["items"],
        "connections": ask("connections")["items"],
        "traffic": ask("traffic", since=f"{MINUTES}m")["items"],
        "failures": ask("runs", state="failed", given_up="false", limit=FAILURES)["items"],
    }


def counted(traffic: Iterable[Mapping[str, Any]], kind: str, name: str | None = None) -> int:
    """How often something of a kind (``receipt.*`` for all of them) happened, of one name or of all."""
    return sum(row["number"] for row in traffic if _fits(row["kind"], kind) and (name is None or row["name"] == name))


def by_minute(traffic: Iterable[Mapping[str, Any]], kind: str, now: datetime, minutes: int) -> list[int]:
    """The same for each of the last minutes, the present one last."""
    found: Counter[int] = Counter()
    present = int(now.timestamp()) // 60
    for row in traffic:
        if _fits(row["kind"], kind):
            found[int(datetime.fromisoformat(row["minute"]).timestamp()) // 60] += row["number"]
    return [found[minute] for minute in range(present - minutes + 1, present + 1)]


def chart(numbers: Sequence[int]) -> str:
    """The numbers as bars, one character each; what is more than nothing is never drawn as nothing."""
    most = max(numbers, default=0)
    return "".join(_BARS[0 if number == 0 else max(1, round(number / most * 8))] for number in numbers)


def board(now: Mapping[str, Any], before: Mapping[str, Any] | None, width: int, height: int) -> RenderableType:
    """The board for a terminal of this size. ``before`` are earlier figures: what happened since gives the rate."""
    from rich.console import Group

    findings = now["health"]["findings"][: 2 if height >= _ROOMY else 1]
    rest = height - 9 - len(findings)
    failures = min(len(now["failures"]), rest // 4) if height >= _ROOMY else 0
    rows = rest - failures - (2 if failures else 0)
    sources = min(len(now["sources"]), max(2, rows // 2))
    connections = max(2, rows - sources)
    parts: list[RenderableType] = [
        _headline(now, width),
        *_findings(findings),
        _queue(now["stats"]),
        *_rates(now, before, width),
        "",
        _sources(now, sources),
        "",
        _connections(now, connections),
    ]
    if failures:
        parts += ["", *_failures(now["failures"][:failures], width)]
    return Group(*parts)


def _headline(now: Mapping[str, Any], width: int) -> Text:
    from rich.text import Text

    status = str(now["health"]["status"])
    line = Text("hooks  ", "bold", no_wrap=True, overflow="ellipsis")
    line.append(status, _LIGHTS.get(status, "bold red"))
    line.append(f"  webhooks at {plain(now['inbox']) or '-'}  console at {plain(now['admin'])}")
    line.truncate(max(20, width - 11))
    line.append("  " + str(now["at"])[11:], "dim")
    return line


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[Text]:
    from rich.text import Text

    return [
        Text(plain(one["what"]), _LIGHTS.get(one["level"], "red"), no_wrap=True, overflow="ellipsis")
        for one in findings
    ]


def _queue(stats: Mapping[str, Any]) -> Text:
    from rich.text import Text

    line = Text("runs     ", "dim", no_wrap=True, overflow="ellipsis")
    for state, number in stats["runs"].items():
        line.append(f"{number:,} ", "bold" if number else "dim")
        line.append(f"{state}  ", _TONES.get(state, "") if number else "dim")
        if state == "failed" and (given_up := stats.get("given_up")):
            line.append(f"({given_up:,} given up)  ", "dim")
    if late := round(stats.get("oldest_due_seconds") or 0):
        line.append(f"the oldest is due for {late} s", "yellow")
    return line


def _rates(now: Mapping[str, Any], before: Mapping[str, Any] | None, width: int) -> list[Text]:
    from rich.text import Text

    moment = datetime.fromisoformat(now["at"])
    lines = []
    for title, kind, colour in (
        ("received ", "receipt.*", "blue"),
        ("done     ", "run.done", "green"),
        ("failed   ", "run.failed", "red"),
    ):
        minutes = min(MINUTES, max(10, width - 45))
        numbers = by_minute(now["traffic"], kind, moment, minutes)
        line = Text(title, "dim", no_wrap=True, overflow="crop")
        line.append(chart(numbers), colour)
        line.append(f"  {numbers[-1]:,} this minute, {counted(now['traffic'], kind):,} in {MINUTES} min", "dim")
        lines.append(line)
    if (rate := _receipts_per_second(now, before)) is not None:
        lines[0].append(f", {rate:,.1f}/s", "bold")
    return lines


def _receipts_per_second(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> float | None:
    if before is None:
        return None
    seconds = (datetime.fromisoformat(now["at"]) - datetime.fromisoformat(before["at"])).total_seconds()
    more = sum(now["stats"]["receipts"].values()) - sum(before["stats"]["receipts"].values())
    return max(0, more) / seconds if seconds > 0 else None


def _sources(now: Mapping[str, Any], rows: int) -> Table:
    table = _table("source", "vendor", "accepted", "duplicate", "not taken")
    traffic, sources = now["traffic"], now["sources"]
    busy = sorted(sources, key=lambda one: -counted(traffic, "receipt.*", one["name"]))
    shown = rows if len(busy) <= rows else rows - 1
    for one in busy[:shown]:
        numbers = [counted(traffic, f"receipt.{verdict}", one["name"]) for verdict in ("accepted", "duplicate")]
        refused = sum(counted(traffic, f"receipt.{verdict}", one["name"]) for verdict in ("refused", "quarantined"))
        name = plain(one["name"]) + ("  [yellow]quiet[/yellow]" if one.get("quiet") else "")
        cells = [name, plain(one["vendor"]), *(f"{number:,}" for number in numbers)]
        table.add_row(*cells, f"[red]{refused:,}[/red]" if refused else "0")
    _left_out(table, len(sources) - shown)
    return table


def _connections(now: Mapping[str, Any], rows: int) -> Table:
    table = _table("connection", "state", "in flight", "done", "failed")
    traffic = now["traffic"]
    troubled = sorted(now["connections"], key=lambda one: (_standing(one)[0] == "works", one["name"]))
    shown = rows if len(troubled) <= rows else rows - 1
    for one in troubled[:shown]:
        state, colour = _standing(one)
        done, failed = (counted(traffic, f"run.{ending}", one["name"]) for ending in ("done", "failed"))
        flying = f"{one.get('in_flight', 0)} of {one.get('concurrency', '-')}"
        cells = [plain(one["name"]), f"[{colour}]{state}[/{colour}]", flying, f"{done:,}"]
        table.add_row(*cells, f"[red]{failed:,}[/red]" if failed else "0")
    _left_out(table, len(troubled) - shown)
    return table


def _standing(connection: Mapping[str, Any]) -> tuple[str, str]:
    if connection.get("paused"):
        return "paused", "yellow"
    breaker = connection.get("breaker", "closed")
    return {"closed": ("works", "green"), "half_open": ("trying", "yellow")}.get(breaker, ("rests", "red"))


def _failures(failures: Sequence[Mapping[str, Any]], width: int) -> list[Text]:
    from rich.text import Text

    lines = [
        Text(
            "last failed runs (hooks runs list --state failed --not-given-up)", "dim", no_wrap=True, overflow="ellipsis"
        )
    ]
    for run in failures:
        when = str(run.get("finished_at") or run["created_at"])[11:19]
        line = Text(f"{when}  ", "dim", no_wrap=True, overflow="ellipsis")
        line.append(plain(run["rule"]), "red")
        if who := plain((run.get("about") or {}).get("display_name")):
            line.append(f"  {who}", "bold")
        if width >= _WITH_IDS:
            line.append(f"  {run['id']}", "dim")
        line.append(f"  {plain(run.get('reason'))}")
        lines.append(line)
    return lines


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    for number, heading in enumerate(headings):
        right = heading not in ("vendor", "state") and number > 0
        table.add_column(heading, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    return table


def _left_out(table: Table, number: int) -> None:
    if number > 0:
        table.add_row(f"[dim]and {number} more[/dim]")


def _fits(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted
