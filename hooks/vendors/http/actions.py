"""Deliver: ``http.request``, one request to any API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hooks.errors import AnswerCut, Permanent, Transient, Undecided
from hooks.events import Done, Request
from hooks.kit.answers import too_much
from hooks.kit.http import check_path
from hooks.kit.operations import URL_PATH, Inputs, Scalar, findings, json_body, query_pairs, sendable
from hooks.ports import Action, Call, OnUnknown
from hooks.values import Contradiction

from .client import HttpClient, check_own_header

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_HARMLESS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_AS_IT_IS = re.compile(f"[A-Za-z0-9{re.escape(_SAFE)}]*")
"""A path in which nothing is to be encoded."""

Values = dict[str, Scalar | list[Scalar] | None]


def _encoded(path: str) -> str:
    """The path as it goes out. Raises Permanent."""
    return check_path(path if _AS_IT_IS.fullmatch(path) else quote(path, safe=_SAFE))


def _below(path: str) -> str:
    if "?" in path or "#" in path:
        raise ValueError("holds ? or #; what follows them goes into query")
    try:
        _encoded(path)
    except Permanent as error:
        raise ValueError(error.message.removeprefix("path: ")) from None
    except UnicodeError:
        return path  # half of a character, which rendering names
    return path


class RequestInputs(Inputs):
    """One request. Its host is the connection's; at most one of ``json``, ``form`` and ``text`` is its body."""

    model_config = ConfigDict(title="Request")

    method: Method = Field("POST", description="The method.")
    path: Annotated[str, AfterValidator(_below)] = Field(
        "",
        description="The path below the connection's `base_url`, beginning with `/`.",
        json_schema_extra={"format": URL_PATH},
    )
    query: Values | None = Field(None, description="The query; a list repeats the name, null leaves it out.")
    headers: dict[str, str | None] | None = Field(None, description="Further headers; null leaves one out.")
    json_: Any = Field(None, alias="json", description="The body as JSON.")
    form: Values | None = Field(None, description="The body as a form.")
    text: str | None = Field(None, description="The body as text.")
    success: list[Annotated[int, Field(ge=100, le=599)]] | None = Field(
        None,
        description="Statuses that count as done whatever the answer says, such as 404 for a deletion. All other 2xx"
        " do unless the answer says `success: false`.",
    )

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        bodies = ("json_" in self.model_fields_set) + (self.form is not None) + (self.text is not None)
        if bodies > 1:
            raise Contradiction("only one of json, form and text can be given")
        if bodies and self.method in ("GET", "HEAD"):
            raise Contradiction(f"a {self.method} request has no body: use query")
        return self

    @field_validator("headers")
    @classmethod
    def _are_fit(cls, headers: dict[str, str | None] | None) -> dict[str, str | None] | None:
        for name, value in (headers or {}).items():
            if value is not None:
                check_own_header(name.lower(), value)
        return headers


@dataclass(frozen=True)
class RequestAction:
    """One request to any API.

    GET, HEAD, PUT and DELETE are sent again when their outcome is unknown; POST and PATCH are held, unless the rule
    says otherwise, although they carry an ``Idempotency-Key``: not every API heeds it.
    """

    name: str = "request"
    aliases: tuple[str, ...] = ()
    operation: str = "request"
    method: str = "POST"
    path: str = "/"
    summary: str = "Send a request to any API."
    inputs: type[BaseModel] = RequestInputs
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: BaseModel) -> Request:
        given = self._checked(inputs)
        headers = {name.lower(): value for name, value in (given.headers or {}).items() if value is not None}
        with sendable(inputs):
            content_type, body = self._body(given)
            path = _encoded(given.path)
            query = _pairs(given.query)
        if content_type:
            headers.setdefault("content-type", content_type)
        return Request(given.method, path, query, headers, body)

    def _body(self, given: RequestInputs) -> tuple[str, bytes | None]:
        if "json_" in given.model_fields_set:
            return "application/json", json_body(given.json_)
        if given.form is not None:
            return "application/x-www-form-urlencoded", urlencode(_pairs(given.form)).encode()
        if given.text is not None:
            return "text/plain; charset=utf-8", given.text.encode()
        return "", None

    def _checked(self, inputs: Mapping[str, Any]) -> RequestInputs:
        # Nulls inside `json` are the body's own, so they are not dropped as elsewhere.
        try:
            return RequestInputs.model_validate({name: value for name, value in inputs.items() if value is not None})
        except ValidationError as error:
            raise Permanent(findings(error)) from None

    async def send(self, client: HttpClient, call: Call) -> Done:
        request = call.request or self.render(call.inputs, client.settings)
        success = () if call.inputs.get("success") is None else self._checked(call.inputs).success or ()
        try:
            return await client.send(request, timeout=call.timeout, key=call.key, success=success)
        except Transient as error:
            if isinstance(error, AnswerCut) and request.method == "GET":
                raise too_much(error) from error
            if request.method in _HARMLESS:
                raise Transient(error.message, status=error.status, retry_after=error.retry_after) from error
            raise

    async def lookup(self, client: HttpClient, call: Call) -> Done | None:
        """None lets the engine send again, which does no harm here; else a person decides."""
        if self._checked(call.inputs).method in _HARMLESS:
            return None
        raise Undecided("any API: nobody but you can say whether the request was carried out")


def _pairs(values: Values | None) -> tuple[tuple[str, str], ...]:
    given = {
        name: [item for item in value if item is not None] if isinstance(value, list) else value
        for name, value in (values or {}).items()
        if value is not None
    }
    return query_pairs(given, joined=False)


ACTIONS: tuple[Action, ...] = (RequestAction(),)
