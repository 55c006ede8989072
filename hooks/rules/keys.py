"""Keys: the values by which `once_per`, `throttle`, `debounce`, `in_order_by` and `expect` tell events apart."""

from __future__ import annotations

import json
from typing import Any


def key_text(value: Any) -> str:
    """A text that is the same for equal values: 1 of one sender is 1.0 of another, and fields come in any order."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
