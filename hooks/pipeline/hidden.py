"""A rule's secrets stay out of the tables: a name stands in their place, the value is there only while sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hooks.events import Request


def hide(value: Any, secrets: Mapping[str, str]) -> Any:
    """JSON values with each secret's text replaced by ``${secret.NAME}``."""
    return _swapped(value, {text: f"${{secret.{name}}}" for name, text in secrets.items()}) if secrets else value


def show(value: Any, secrets: Mapping[str, str]) -> Any:
    """The values that `hide` was given."""
    return _swapped(value, {f"${{secret.{name}}}": text for name, text in secrets.items()}) if secrets else value


def hide_request(request: Request, secrets: Mapping[str, str]) -> Request:
    """The request without the secrets. They can only stand in header values."""
    return replace(request, headers=hide(dict(request.headers), secrets)) if secrets else request


def show_request(request: Request | None, secrets: Mapping[str, str]) -> Request | None:
    if request is None or not secrets:
        return request
    return replace(request, headers=show(dict(request.headers), secrets))


def _swapped(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for word, other in words.items():
            value = value.replace(word, other)
        return value
    if isinstance(value, dict):
        return {key: _swapped(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_swapped(inner, words) for inner in value]
    return value
