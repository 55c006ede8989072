"""From a recorded sample or a body of one's own to the events that its source would make of it. Stores nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from hooks.cli.loading import catalogue
from hooks.cli.output import plain, wrong_use
from hooks.errors import NormalizationError
from hooks.events import Event, Receipt
from hooks.kit.samples import accepted
from hooks.kit.signatures import header_bytes
from hooks.ports import Inbound, Normalizer, Reading, Source
from hooks.rules.ruleset import SourceConfig

_KINDS: Mapping[bytes, tuple[str, ...]] = {
    b"{": ("application/cloudevents+json", "application/json"),
    b"[": ("application/cloudevents-batch+json", "application/json"),
    b"<": ("application/xml",),
}
"""What a body that begins so may be; the first that its source reads is taken."""
_FORM = ("application/x-www-form-urlencoded", "application/json")
_NONE: Mapping[str, str] = {}


class Unread(Exception):
    """The source cannot read the body; the sentence says why."""


def headers_of(given: Iterable[str]) -> dict[str, str]:
    """Headers written as ``Name: value``, names in lower case. Ends the command when one is not."""
    found: dict[str, str] = {}
    for line in given:
        name, colon, value = (part.strip() for part in line.partition(":"))
        try:
            key = header_bytes(name).decode()
        except ValueError:
            key = ""
        if not key or not colon or not value.isprintable() or not value.isascii():
            raise wrong_use(f"{plain(line)!r} is no header: write --header 'X-GitHub-Event: push'")
        found[key] = value
    return found


class SourceReader:
    """A configured source, which reads bodies of one's own as it would read those that come in."""

    def __init__(self, config: SourceConfig) -> None:
        vendor = catalogue()[config.vendor]
        self._config = config
        self._source: Source | None = None
        """None where rules alone put events in."""
        if vendor.built_in is not None:
            self._normalizer: Normalizer = vendor.built_in.source
        else:
            assert vendor.make_source is not None, "the loader refuses sources of vendors that have none"
            self._normalizer = self._source = vendor.make_source(config.name, config.settings)

    def content_type(self, body: bytes, headers: Mapping[str, str] = _NONE) -> str:
        """What a body most likely is, told by its first character and by what the source reads."""
        if "content-type" in headers:
            return headers["content-type"]
        read = frozenset({"application/json"}) if self._source is None else self._source.media_types
        kinds = _KINDS.get(body.lstrip()[:1], _FORM)
        in_headers = any(name.startswith("ce-") for name in headers)
        return next((kind for kind in kinds if kind in read and not (in_headers and "cloudevents" in kind)), kinds[-1])

    def inbound(self, body: bytes, now: datetime, headers: Mapping[str, str] = _NONE) -> Inbound:
        """The body as it would come in."""
        pairs = {**headers, "content-type": self.content_type(body, headers)}
        return Inbound("POST", "", b"", [(name.encode(), value.encode()) for name, value in pairs.items()], body, now)

    def is_ping(self, inbound: Inbound) -> bool:
        """Whether it is taken for the sender's test of the address, of which no event comes."""
        return self._source is not None and self._source.is_ping(inbound)

    def events(self, inbound: Inbound) -> list[Event]:
        """The events of a request, as the source would make them now. Raises Unread."""
        from hooks.pipeline.normalize import normalize

        return normalize(self._receipt(inbound), self._normalizer)

    def _receipt(self, inbound: Inbound) -> Receipt:
        name, vendor = self._config.name, self._config.vendor
        if self._source is None:
            receipt = accepted(name, vendor, inbound, Reading())
            try:
                self._normalizer.normalize(receipt)
            except (ValueError, TypeError, KeyError):
                told = f"the source {name} reads what rules emit: an object with type, subject and data"
                raise Unread(told) from None
            return receipt
        try:
            reading = self._source.read(inbound)
        except NormalizationError as error:
            raise Unread(f"the source {name} cannot read this body: {error.reason}") from None
        return accepted(name, vendor, inbound, reading, self._source.kept_headers)
