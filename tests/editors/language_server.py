"""The real yaml-language-server, spoken to as an editor does: over its standard input and output, in JSON-RPC."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
PROGRAM = FOLDER / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


class LanguageServer:
    """One server with one schema for all files. Enter it with ``with``."""

    def __init__(self, node: str, schema: Path) -> None:
        self._process = subprocess.Popen(
            [node, str(PROGRAM), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._settings = {
            "schemas": {schema.as_uri(): "*.yaml"},
            "validate": True,
            "completion": True,
            "hover": True,
            "schemaStore": {"enable": False},
        }
        self._asked = 0
        self._opened = 0
        self._found: list[dict[str, Any]] | None = None

    def __enter__(self) -> LanguageServer:
        document = {"publishDiagnostics": {}, "completion": {"completionItem": {"snippetSupport": False}}, "hover": {}}
        able = {"workspace": {"configuration": True}, "textDocument": document}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": able})
        self._send({"method": "initialized", "params": {}})
        changed = {"settings": {"yaml": self._settings}}
        self._send({"method": "workspace/didChangeConfiguration", "params": changed})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def mistakes(self, text: str) -> list[tuple[int, str]]:
        """What the editor underlines: line (from 1) and message."""
        self._open(text)
        while self._found is None:
            self._handle(self._receive())
        return [(each["range"]["start"]["line"] + 1, each["message"]) for each in self._found]

    def offered(self, text: str) -> list[str]:
        """What the editor offers at the end of the text."""
        place = self._place(text)
        return [item["label"] for item in self._ask("textDocument/completion", place)["items"]]

    def told(self, text: str, back: int) -> str:
        """What the editor shows when the mouse rests so many characters before the end of the text."""
        shown = self._ask("textDocument/hover", self._place(text, back))
        return "" if shown is None else str(shown["contents"])

    def _place(self, text: str, back: int = 0) -> dict[str, Any]:
        uri = self._open(text)
        lines = text.split("\n")
        return {
            "textDocument": {"uri": uri},
            "position": {"line": len(lines) - 1, "character": len(lines[-1]) - back},
        }

    def _open(self, text: str) -> str:
        self._opened += 1
        self._found = None
        uri = (ROOT / f"{self._opened}.yaml").as_uri()  # beside routes.yaml, whose first line names the schema
        opened = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
        return uri

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        mine = self._asked
        self._send({"id": mine, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == mine and "method" not in message:
                return message["result"]
            self._handle(message)

    def _handle(self, message: dict[str, Any]) -> None:
        if message.get("method") == "textDocument/publishDiagnostics":
            if message["params"]["uri"].endswith(f"/{self._opened}.yaml"):
                self._found = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            wanted = message["params"]["items"] if message["method"] == "workspace/configuration" else []
            answer = [self._settings if item.get("section") == "yaml" else None for item in wanted]
            self._send({"id": message["id"], "result": answer or None})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
