"""Deliver: ``servicetitan.raw_request``, any operation of a tenant that has no action of its own.

It stays inside ``/{module}/v2/tenant/{tenant}``: module and rest of the path are given, and neither can climb out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError, model_validator

from hooks.errors import Permanent, Transient, Undecided
from hooks.events import Done, Request
from hooks.kit.http import check_header, check_path, verdict
from hooks.kit.operations import URL_PATH, File, Inputs, Scalar, findings, json_body, multipart, query_pairs, sendable
from hooks.ports import Action, Call, OnUnknown

from .attachments import file_output
from .client import ServiceTitanClient

_HARMLESS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_OWN_HEADERS: Final = frozenset({"authorization", "st-app-key", "host", "content-length", "connection", "cookie"})


class RawRequest(Inputs):
    """One request below the tenant's address. At most one of ``data`` and the two parts of a form is its body."""

    url_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")] = Field(
        "jpm", description="The API module: `jpm`, `crm`, `accounting`, `dispatch`, `settings`..."
    )
    url: Annotated[str, Field(pattern=r"^/[^?#]*$")] = Field(
        description="The path after `/{url_type}/v2/tenant/{tenant}`, such as `/jobs`.",
        json_schema_extra={"format": URL_PATH},
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(description="The method.")
    query: dict[str, Scalar | list[Scalar] | None] | None = Field(
        None, description="The query; lists are joined by commas, as the vendor takes ids."
    )
    headers: dict[str, str] | None = Field(None, description="Further headers; credentials are the connection's.")
    data: Any = Field(None, description="The body as JSON.")
    form_data: dict[str, Scalar] | None = Field(None, description="Fields of a multipart form.")
    file_data: dict[str, File] | None = Field(None, description="Files of a multipart form, by the form's field.")
    response_type: Literal["json", "text", "binary"] = Field(
        "json", description="How the answer is read: its JSON, `{text}`, or `{content_type, content_base64}`."
    )

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        form = self.form_data is not None or self.file_data is not None
        if self.data is not None and form:
            raise ValueError("only one of data and form_data with file_data can be given")
        if self.method in ("GET", "HEAD") and (form or self.data is not None):
            raise ValueError(f"a {self.method} request has no body: use query")
        return self


@dataclass(frozen=True)
class RawRequestAction:
    """Any request of the tenant. A POST or PATCH of unknown outcome is held, unless the rule says otherwise."""

    name: str = "raw_request"
    aliases: tuple[str, ...] = ()
    operation: str = "rawRequest"
    method: str = "POST"
    path: str = "/{url_type}/v2/tenant/{tenant}{url}"
    summary: str = "Send any request below the tenant's address; retries and time limits are the rule's."
    inputs: type[BaseModel] = RawRequest
    repeatable: bool = False
    on_unknown: OnUnknown = "lookup"

    def render(self, inputs: Mapping[str, Any], settings: Any) -> Request:
        given = _checked(inputs)
        headers = {name.lower(): value for name, value in (given.headers or {}).items()}
        for name, value in headers.items():
            check_header(name, value)
            if name in _OWN_HEADERS:
                raise Permanent(f"headers.{name}: is set by the connection itself")
        with sendable(inputs):
            rest = check_path(quote(given.url, safe="/%:@!$&'()*+,;=-._~"))
            query = query_pairs(
                {name: value for name, value in (given.query or {}).items() if value is not None}, joined=True
            )
            request = Request(given.method, f"/{given.url_type}/v2/tenant/{settings.tenant}{rest}", query, headers)
            return _with_body(request, given)

    async def send(self, client: ServiceTitanClient, call: Call) -> Done:
        given = _checked(call.inputs)
        request = call.request or self.render(call.inputs, client.settings)
        try:
            if given.response_type == "json":
                return await client.send(request, timeout=call.timeout, key=call.key)
            answer = await client.fetch(request, timeout=call.timeout)
            verdict(answer)
        except Transient as error:
            if given.method in _HARMLESS:
                raise Transient(error.message, status=error.status, retry_after=error.retry_after) from error
            raise
        if answer.truncated:
            raise Permanent("the answer is larger than the limit", status=answer.status)
        if given.response_type == "binary":
            return Done(file_output(answer))
        return Done({"text": answer.body.decode("utf-8", "replace")})

    async def lookup(self, client: ServiceTitanClient, call: Call) -> Done | None:
        """None lets the engine send again, which does no harm here; else a person decides."""
        if _checked(call.inputs).method in _HARMLESS:
            return None
        raise Undecided("a raw request: nobody but you can say whether it was carried out")


def _checked(inputs: Mapping[str, Any]) -> RawRequest:
    # Nulls inside `data` are the body's own, so they are not dropped as elsewhere.
    try:
        return RawRequest.model_validate({name: value for name, value in inputs.items() if value is not None})
    except ValidationError as error:
        raise Permanent(findings(error)) from None


def _with_body(request: Request, given: RawRequest) -> Request:
    if given.data is not None:
        content_type, body = "application/json", json_body(given.data)
    elif given.form_data is not None or given.file_data is not None:
        files = {name: file.model_dump() for name, file in (given.file_data or {}).items()}
        content_type, body = multipart({**(given.form_data or {}), **files})
    else:
        return request
    return replace(request, headers={"content-type": content_type, **request.headers}, body=body)


_: type[Action] = RawRequestAction
