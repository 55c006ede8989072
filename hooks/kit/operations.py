"""Deliver: operations as rows. An operation that is a method, a path, inputs and an output is one `Operation`.

A row says where its inputs go; `Operation` is the `hooks.ports.Action` that checks them, renders the request (pure,
the same bytes every time) and hands it to the vendor's client. Inputs that are null are inputs that were not given:
in a rule, a field that the event does not have is null.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    create_model,
    field_validator,
)

from hooks.errors import AnswerCut, Permanent
from hooks.events import Done, Request, utc_text
from hooks.kit.answers import too_much
from hooks.ports import Action, Call, OnUnknown

Body = Literal["query", "json", "form", "multipart", "items", "none"]
"""Where the inputs go that are not in the path. ``items``: the input ``items`` is the whole JSON body."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_PARAM = re.compile(r"\{(\w+)\}")
_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_QUERY: Final = frozenset({"GET", "HEAD", "DELETE"})


# --- inputs ---


URL_PATH = "url-path"
"""The format of a text that is a path of an address: wrong by what is written in it, whatever its expressions give."""


class Inputs(BaseModel):
    """What an action takes: unknown keys are refused, and text never becomes a number or a truth value by itself."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class File(Inputs):
    """A file to send."""

    name: str = Field(min_length=1, max_length=255, description="The file's name, such as `photo.jpg`.")
    content_type: str = Field("application/octet-stream", description="Its media type.")
    content_base64: str = Field(description="Its content in base64.")

    @field_validator("content_base64")
    @classmethod
    def _is_base64(cls, text: str) -> str:
        b64decode(text, validate=True)
        return text

    def content(self) -> bytes:
        """The bytes."""
        return b64decode(self.content_base64, validate=True)


def _instant(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("write an ISO 8601 time such as 2026-05-06T17:30:00Z") from error
    if moment.tzinfo is None:
        raise ValueError("the time has no zone: end it with Z or an offset such as -05:00")
    try:
        return utc_text(moment)
    except OverflowError as error:
        raise ValueError("the time is before the first year or after the last one, 9999") from error


Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An ISO 8601 time with its zone; sent in UTC with ``Z``."""

Number = int | float
Scalar = str | int | float | bool

Spec = tuple[Any, str]
"""A field's type and its description."""


def make_inputs(name: str, spec: str, fields: Mapping[str, Spec], base: type[Inputs] = Inputs) -> type[Inputs]:
    """A model from a line such as ``"companyId date? search?"`` and a vendor's vocabulary of described fields.

    >>> make_inputs("GetThing", "id note?", {"id": (str, "Its id."), "note": (str, "A note.")}).model_fields.keys()
    dict_keys(['id', 'note'])
    """
    found: dict[str, Any] = {}
    for word in spec.split():
        key = word.removesuffix("?")
        kind, description = fields[key]
        if key == word:
            found[key] = (kind, Field(description=description))
        else:
            found[key] = (kind | None, Field(None, description=description))
    made: type[Inputs] = create_model(name, __base__=base, **found)
    return made


def given(value: Any) -> Any:
    """The value without nulls: what was not given is not sent."""
    if isinstance(value, Mapping):
        return {key: given(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [given(item) for item in value if item is not None]
    return value


def check_inputs(model: type[BaseModel], inputs: Mapping[str, Any]) -> BaseModel:
    """The validated inputs. Raises Permanent that names each wrong field and never a value."""
    try:
        return model.model_validate(given(inputs))
    except ValidationError as error:
        raise Permanent(findings(error)) from None


def findings(error: ValidationError) -> str:
    """What is wrong with which field, without the values."""
    return "; ".join(map(_finding, error.errors(include_input=False, include_url=False)[:30]))


def _finding(found: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found["loc"]).lstrip(".")
    told = "an object is needed" if found["type"] == "model_type" else str(found["msg"]).removeprefix("Value error, ")
    return f"{place}: {told}" if place else told


# --- rendering ---


def path_segment(name: str, value: object) -> str:
    """A value as one percent-encoded segment of a path. Raises Permanent, naming the field, when it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Permanent(f"{name}: a text or a whole number is needed to build the address")
    text = str(value)
    if not text or text in (".", ".."):
        raise Permanent(f"{name}: is empty, . or .., which cannot be part of an address")
    if re.search(r"[/\\\x00-\x1f\x7f\ud800-\udfff]", text):
        raise Permanent(f"{name}: holds a separator or a control character, which cannot be part of an address")
    return quote(text, safe="")


def json_body(value: Any) -> bytes:
    """Compact UTF-8 JSON in the order of the fields. Raises ValueError for what it cannot hold (`sendable`)."""
    return _encode(value).encode()


class sendable:  # noqa: N801  # read as `with sendable(...):`, for each request that is rendered
    """Inside, text or numbers that JSON and UTF-8 do not have raise Permanent that names the input."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, ValueError):
            name = next((name for name, value in self._values.items() if not _is_json(value)), "the inputs")
            raise Permanent(f"{name}: holds half of a character, or a number that is not finite") from error


def _is_json(value: Any) -> bool:
    try:
        json_body(value)
    except ValueError:
        return False
    return True


def query_pairs(values: Mapping[str, Any], *, joined: bool) -> tuple[tuple[str, str], ...]:
    """Values as pairs of texts; lists joined by commas, or repeated. Raises Permanent for anything deeper."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        several = [_plain(name, item) for item in value] if isinstance(value, list) else None
        if several is None:
            pairs.append((name, _plain(name, value)))
        elif joined:
            pairs.append((name, ",".join(several)))
        else:
            pairs.extend((name, item) for item in several)
    return tuple(pairs)


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        text = str(value)
        text.encode()  # an address or a form holds UTF-8: ValueError here, not when it is sent
        return text
    raise Permanent(f"{name}: an object cannot be sent in a query or a form")


def multipart(values: Mapping[str, Any]) -> tuple[str, bytes]:
    """Content type and body of a multipart form; an object with ``content_base64`` is a file.

    The boundary is made from the content, so that the same inputs give the same bytes.
    """
    parts: list[tuple[str, bytes]] = []
    for name, value in values.items():
        head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
        if isinstance(value, Mapping):
            file = File.model_validate(value)
            if re.search(r"[\r\n\x00]", file.content_type):
                raise Permanent(f"{name}.content_type: holds a line break")
            parts.append(
                (f'{head}; filename="{_quoted(file.name)}"\r\nContent-Type: {file.content_type}', file.content())
            )
        else:
            parts.append((head, _plain(name, value).encode()))
    digest = hashlib.sha256(b"\0".join(head.encode() + b"\0" + content for head, content in parts))
    boundary = f"hooks-{digest.hexdigest()[:40]}"
    lines = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts)
    return f"multipart/form-data; boundary={boundary}", lines + f"--{boundary}--\r\n".encode()


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


# --- the row ---


@dataclass(frozen=True)
class Operation:
    """One operation of a vendor, as a row of its table.

    ``path`` names its parameters in braces; each is an input of that name or else a key of the connection (a tenant).
    ``takes`` is the model of the inputs, or makes it when it is first asked for (hundreds of models would be half of a
    start); without one they are the path's parameters that are not in ``fixed``.
    ``defaults`` fills inputs that were not given from keys of the connection. ``body`` may depend on the connection.
    ``ours`` are inputs that steer us and are not sent by themselves: ``adjust`` and ``carry`` read them.
    ``adjust`` has the last word on the request, and stays pure. ``find`` is the look-up of an unknown outcome.
    ``carry`` is how the request is carried out where that is more than one exchange (all pages of a list).
    """

    name: str
    method: str
    path: str
    summary: str
    takes: type[BaseModel] | Callable[[], type[BaseModel]] | None = None
    body: Body | Callable[[Any], Body] | None = None
    vendor_name: str = ""
    aliases: tuple[str, ...] = ()
    harmless: bool | None = None
    """Whether sending it again does no harm; without a word, GET, HEAD, PUT and DELETE."""
    unknown: OnUnknown | None = None
    find: Callable[[Any, Call], Awaitable[Done | None]] | None = None
    fixed: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    joined: bool = True
    """Lists in a query are joined by commas; False repeats the name."""
    ours: frozenset[str] = frozenset()
    adjust: Callable[[Request, Mapping[str, Any], Any], Request] | None = None
    carry: Callable[[Any, Request, Call], Awaitable[Done]] | None = None
    scopes: tuple[str, ...] = ()
    """Rights that the account's credentials need at the vendor."""
    needs: tuple[str, ...] = ()
    """Keys of the connection that it cannot do without and that are optional there."""

    @property
    def operation(self) -> str:
        if self.vendor_name:
            return self.vendor_name
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    @functools.cached_property
    def inputs(self) -> type[BaseModel]:
        if isinstance(self.takes, type):
            return self.takes
        if self.takes is not None:
            return self.takes()
        title = self.operation[0].upper() + self.operation[1:]
        fields = {name: (str | int, _described(name)) for name in _PARAM.findall(self.path) if name not in self.fixed}
        return make_inputs(title, " ".join(fields), fields)

    @property
    def repeatable(self) -> bool:
        return self.method in _REPEATABLE if self.harmless is None else self.harmless

    @property
    def on_unknown(self) -> OnUnknown:
        if self.unknown is not None:
            return self.unknown
        if self.repeatable:
            return "repeat"
        return "lookup" if self.find is not None else "hold"

    @property
    def from_connection(self) -> Mapping[str, str]:
        """What must stand in the connection where a step does not give it."""
        return {name: name for name in _PARAM.findall(self.path) if name in self.fixed} | dict(self.defaults)

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        filled = dict(inputs)
        for name, key in self.defaults.items():
            if filled.get(name) is None:
                filled[name] = getattr(settings, key)
        checked = check_inputs(self.inputs, filled)
        values: dict[str, Any] = checked.model_dump(mode="json", by_alias=True, exclude_unset=True)
        rest = {name: value for name, value in values.items() if name not in self.ours}

        def segment(found: re.Match[str]) -> str:
            name = found[1]
            value = rest.pop(name, None)
            if value is None:
                value = getattr(settings, name, None)
            if value is None:
                raise Permanent(f"{name}: is needed; give it in the step's `with` or in the connection")
            return path_segment(name, value)

        path = _PARAM.sub(segment, self.path)
        with sendable(values):
            request = self._filled(path, rest, settings)
            return request if self.adjust is None else self.adjust(request, values, settings)

    def _filled(self, path: str, values: dict[str, Any], settings: BaseModel) -> Request:
        body = self.body(settings) if callable(self.body) else self.body
        if body is None:
            body = "query" if self.method in _QUERY else "json"
        if body == "query":
            return Request(self.method, path, query_pairs(values, joined=self.joined))
        if body == "none":
            return Request(self.method, path)
        if body == "form":
            content_type = "application/x-www-form-urlencoded"
            content = urlencode(query_pairs(values, joined=self.joined)).encode()
        elif body == "multipart":
            content_type, content = multipart(values)
        else:
            content_type = "application/json"
            content = json_body(values["items"] if body == "items" else values)
        return Request(self.method, path, (), {"content-type": content_type}, content)

    async def send(self, client: Any, call: Call) -> Done:
        request = call.request or self.render(call.inputs, client.settings)
        try:
            if self.carry is not None:
                return await self.carry(client, request, call)
            done: Done = await client.send(request, timeout=call.timeout, key=call.key)
        except AnswerCut as error:
            if self.method == "GET" and self.repeatable:
                raise too_much(error) from error
            raise
        return done

    async def lookup(self, client: Any, call: Call) -> Done | None:
        return None if self.find is None else await self.find(client, call)


async def delete(client: Any, request: Request, call: Call) -> Done:
    """How a deletion is carried out: what is gone when it is asked again was deleted by the first call."""
    try:
        done: Done = await client.send(request, timeout=call.timeout, key=call.key)
    except Permanent as error:
        if error.status == 404 and call.again:
            return Done(None, adopted=True)
        raise
    return done


def title_of(name: str) -> str:
    """The name of the model of a row's inputs: ``CreateJob`` of ``create_job``."""
    return "".join(word.capitalize() for word in name.split("_"))


def _described(name: str) -> str:
    return "The id of the record." if name == "id" else f"The {_words(name)}."


def _words(name: str) -> str:
    """``customerId`` as ``customer id``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r" \1", name).replace("_", " ").lower()


_: type[Action] = Operation
