"""Deliver: the one place that speaks HTTP outward, with httpx, over a transport of our own.

One `Http` is one account at one address: its own connections (`hooks.kit.wire`), to checked addresses only
(`hooks.kit.outgoing`), no proxy or netrc from the environment, no redirects, no cookies, no compression asked for, one
deadline over everything. Every exchange is kept for the attempt's record, without credentials (`hooks.kit.recording`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from hooks import __version__
from hooks.addresses import is_loopback, refusal
from hooks.errors import DeliveryError, Permanent, SettingsError, Transient, Unconfigured
from hooks.events import Answer, Exchange, Request
from hooks.kit.answers import read_json, refused, vendor_words, verdict
from hooks.kit.pacing import Pace, current_pace, waited
from hooks.kit.recording import Mask, current_record, mask_of, record_exchanges, recorded, secret_parts
from hooks.ports import ConnectionSettings

if TYPE_CHECKING:
    import httpx  # imported where it is used: a quarter of a second that `hooks check` need not pay

    from hooks.kit.sending import Way
    from hooks.kit.wire import Wire

__all__ = [
    "Address",
    "Deadline",
    "Http",
    "Mask",
    "Network",
    "address_of_key",
    "check_address",
    "check_header",
    "check_path",
    "encode_query",
    "nothing_sent",
    "read_json",
    "record_exchanges",
    "verdict",
]

MAX_BODY: Final = 1024 * 1024
CONNECT_SECONDS: Final = 10.0
KEEP_ALIVE_SECONDS: Final = 4.0
"""Below the 5 s after which common servers hang up, so that a call rarely meets a connection that is being closed."""

_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9\-_~!$&'()*+,;=:@]+)+/?")
"""What nearly all paths are: nothing encoded, no dots, no empty part but the last."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e]")
_ALWAYS: Final[dict[str, str]] = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "keep-alive",
    "user-agent": f"hooks/{__version__}",
}


# --- addresses and headers ---


def check_address(url: str) -> str:
    """The address without a slash at its end. Raises SettingsError with what is wrong with it.

    https only, because credentials travel with every call; plain http to loopback, for sandboxes.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingsError("base_url is not an address: write https://host/path") from error
    if parts.scheme not in ("https", "http") or not host or _UNPRINTABLE.search(url) or " " in url:
        raise SettingsError("base_url is not an address: write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("base_url holds a user name or password: credentials have their own keys")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise SettingsError("base_url holds a query or a fragment: an address ends with its path")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"base_url {parts.scheme}://{host} is not encrypted: write https:// (http:// to loopback only)"
        )
    if told := refusal(url, private=True):
        raise SettingsError(f"base_url: {told}")
    return url.rstrip("/")


def address_of_key(url: str, info: ValidationInfo) -> str:
    """The same for a key of a connection: raises ValueError, which names that key."""
    try:
        return check_address(url)
    except SettingsError as error:
        raise ValueError(str(error).replace("base_url", info.field_name or "base_url", 1)) from error


Address = Annotated[str, AfterValidator(address_of_key), Field(examples=["https://host.example"])]
"""A base address in a connection's settings, checked when the file is loaded."""


def check_header(name: str, value: str) -> None:
    """Raise Permanent, naming the header and not its value, when it cannot be sent as it is."""
    if not _TOKEN.fullmatch(name):
        raise Permanent("a header's name is not a token of letters, digits and hyphens")
    if _UNPRINTABLE.search(value):
        raise Permanent(f"header {name}: the value holds a line break, a control or a non-ASCII character")


def check_path(path: str) -> str:
    """The path below the base address as it goes out. Raises Permanent if it climbs, skips a level or holds a query."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    if path in ("", "/"):
        return ""
    if not path.startswith("/") or not _PATH.fullmatch(path):
        raise Permanent("path: it must begin with / and be percent-encoded; a query goes into query")
    segments = path[1:].split("/")
    for position, segment in enumerate(segments):
        plain = unquote(segment, errors="replace")
        if plain in (".", "..") or (not plain and position < len(segments) - 1):
            raise Permanent("path: a segment is empty, . or ..")
        if re.search(r"[/\\\x00-\x1f\x7f]", plain):
            raise Permanent("path: a segment holds a separator or a control character")
    return path


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string with a leading question mark, or ""; blanks are %20 and plus signs %2B."""
    joined = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"?{joined}" if joined else ""


# --- around calls ---


@contextlib.contextmanager
def nothing_sent() -> Iterator[None]:
    """For calls made before the one that changes something: their unknown outcome is known to have changed nothing."""
    try:
        yield
    except Transient as error:
        raise Transient(error.message, status=error.status, retry_after=error.retry_after) from error


class Deadline:
    """One deadline over several calls of an action. Time in which a call waits for its turn is not counted."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds - waited()

    def left(self) -> float:
        """Seconds left, never less than nothing."""
        return max(self._end + waited() - time.monotonic(), 0.0)


# --- the client ---


@dataclass(frozen=True, slots=True)
class Network:
    """How an account's host is reached: what its address may be, and whose certificates are believed.

    ``private`` lets it be on a private network or this machine. ``ca_file`` holds the only authorities believed, as
    PEM. ``resolve`` stands in for the system's resolver.
    """

    private: bool = False
    ca_file: str | None = None
    resolve: Callable[[str, int], Awaitable[list[str]]] | None = None

    @classmethod
    def of(cls, settings: ConnectionSettings) -> Network:
        """As a connection's settings have it."""
        return cls(private=settings.allow_private, ca_file=settings.ca_file)


def _seconds(timeout: float) -> str:
    """A deadline as somebody has set it, or what earlier calls of the same action have left of one."""
    return f"{timeout:g} s" if timeout == round(timeout, 2) else f"the {timeout:.1f} s that were left"


@functools.cache
def _tls() -> ssl.SSLContext:
    """One TLS context for all accounts: reading the authorities' certificates takes 20 ms and a megabyte."""
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _tls_of(ca_file: str | None) -> ssl.SSLContext:
    """The context that believes this file's authorities. Raises Unconfigured when it cannot be used."""
    if ca_file is None:
        return _tls()
    try:
        context = ssl.create_default_context(cafile=ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise Unconfigured(f"ca_file {ca_file} cannot be read as certificates in PEM") from error


def prepare() -> None:
    """Do now what the first call would else do: a quarter of a second in which nothing else happens in its loop."""
    importlib.import_module("hooks.kit.sending")
    _tls()


class Http:
    """An account's HTTP connection pool. Opens nothing before the first call; safe to use from many tasks.

    ``secrets`` are masked in everything recorded and in every error. ``network`` is how the host is reached;
    ``transport`` stands in for all of it. Raises SettingsError when ``base_url`` cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 30.0,
        network: Network = Network(),  # noqa: B008  # a frozen value
        transport: httpx.AsyncBaseTransport | Wire | None = None,
        connections: int = 64,
        secrets: Iterable[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self.base_url = check_address(base_url)
        self.host = urlsplit(self.base_url).netloc
        self._timeout = timeout
        self._network = network
        self._transport = transport
        self._connections = connections
        self._secrets = tuple(secrets)
        self._max_body = max_body
        self._way: Way | None = None

    @classmethod
    def of(
        cls,
        settings: ConnectionSettings,
        *,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | Wire | None = None,
        secrets: Iterable[str] = (),
        max_body: int = MAX_BODY,
    ) -> Http:
        """As a connection's settings have it; ``base_url`` instead of theirs."""
        return cls(
            base_url or settings.base_url,
            timeout=settings.timeout,
            network=Network.of(settings),
            transport=transport,
            connections=settings.concurrency,
            secrets=secrets,
            max_body=max_body,
        )

    def url(self, request: Request) -> str:
        """The full address of a request, without credentials. Raises Permanent when it would leave the base address."""
        address = self.base_url + check_path(request.path)
        return address + encode_query(request.query) if request.query else address

    def clean(self, text: str) -> str:
        """The text with this account's secrets masked."""
        return mask_of(self._secrets).text(text)

    def result(self, answer: Answer) -> Any:
        """The JSON values of a successful answer (`read_json`).

        Raises Permanent where it says that it is none: its ``success``, or ``Success``, is false.
        """
        values = read_json(answer)
        if isinstance(values, dict) and (values.get("success") is False or values.get("Success") is False):
            words = self.clean(vendor_words(answer.body))
            raise Permanent(refused(words), status=answer.status)
        return values

    async def send(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        secret_headers: Mapping[str, str] | None = None,
        secret_query: Sequence[tuple[str, str]] = (),
        secret_body: bytes | None = None,
        secrets: Iterable[str] = (),
        private: bool = False,
    ) -> Answer:
        """Send and read the answer, whatever its status; `verdict` says what it means.

        The secret parts go out and are never recorded; ``secret_body`` replaces the request's body on the wire.
        ``secrets`` are further texts to mask, in the path for instance.
        ``private`` keeps both bodies out of the record (sign-in, tokens). Bodies of error answers come back masked.
        Raises Permanent when the request cannot be made, and Transient when no whole answer came within ``timeout``
        seconds: ``unknown`` unless it is certain that nothing had been sent.
        """
        full = url = self.url(request)
        credentials = dict(secret_headers or {})
        for name, value in (*request.headers.items(), *credentials.items()):
            check_header(name, value)
        mask = mask_of((*self._secrets, *secrets, *secret_parts(credentials), *(value for _, value in secret_query)))
        if secret_query:
            full += encode_query(secret_query).replace("?", "&" if request.query else "?", 1)
        body = request.body if secret_body is None else secret_body
        pace = None if private else current_pace()
        if pace is not None:
            await pace.wait()
        before = waited()
        answer: Answer | None = None
        error: str | None = "ended from our side"
        started = time.monotonic()
        try:
            answer = await self._exchange(
                request.method,
                full,
                {**request.headers, **credentials},
                body,
                self._timeout if timeout is None else timeout,
                pace,
            )
            if not 200 <= answer.status < 300:
                answer = answer._replace(body=mask.body(answer.body))
            error = None
            return answer
        except DeliveryError as failure:
            failure.message = error = mask.text(failure.message)
            failure.args = (error,)
            raise
        finally:
            kept = current_record()
            if kept is not None:
                answered = None if answer is None else answer.body
                kept.append(
                    Exchange(
                        method=request.method,
                        url=mask.text(url),
                        request_body=recorded(request.body, mask, private),
                        status=None if answer is None else answer.status,
                        answer_body=recorded(answered, mask, private),
                        error=error,
                        duration_ms=round((time.monotonic() - started - (waited() - before)) * 1000),
                    )
                )

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float, pace: Pace | None
    ) -> Answer:
        import httpx

        from hooks.kit.sending import Asked
        from hooks.kit.wire import Going

        way = self._way or self._opened()
        sent = not way.tells

        async def leave() -> bool:
            if pace is None or not pace.holds:
                return False
            until = deadline.when()
            deadline.reschedule(None)  # our own waiting takes nothing of the vendor's time
            took = await pace.leave()
            deadline.reschedule(None if until is None else until + took)
            return took > 0

        def sending() -> None:
            nonlocal sent
            sent = True

        named = _ALWAYS | {name.lower(): value for name, value in headers.items()}
        if body or method in ("POST", "PUT", "PATCH"):
            named["content-length"] = str(len(body or b""))
        connect = min(CONNECT_SECONDS, 0.45 * timeout)  # so that it ends, and the TLS handshake too, before the rest
        try:
            async with asyncio.timeout(timeout) as deadline:
                asked = Asked(method, url, named, body or b"")
                going = Going(leave, sending)
                return (await way.exchange(asked, self._max_body, connect, going)).answer(self._max_body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Transient(f"no connection to {self.host}: {str(error) or 'timed out'}") from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise Permanent(f"the request to {self.host} cannot be made: {type(error).__name__}") from error
        except TimeoutError as error:
            raise Transient(f"no whole answer from {self.host} within {_seconds(timeout)}", unknown=sent) from error
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            told = f"the connection to {self.host} broke before the answer was whole ({type(error).__name__})"
            raise Transient(told, unknown=sent) from error

    def _opened(self) -> Way:
        from hooks.kit.outgoing import CheckedNetwork, resolve
        from hooks.kit.sending import Direct, StandIn
        from hooks.kit.wire import Wire

        if self._transport is not None and not isinstance(self._transport, Wire):
            self._way = StandIn(self._transport)
            return self._way
        network = CheckedNetwork(private=self._network.private, resolve=self._network.resolve or resolve)
        wire = self._transport or Wire(
            network, _tls_of(self._network.ca_file), connections=self._connections, keep_alive=KEEP_ALIVE_SECONDS
        )
        self._way = Direct(wire, self.base_url)
        return self._way

    async def aclose(self) -> None:
        """Close all connections. A later call opens new ones."""
        way, self._way = self._way, None
        if way is not None:
            await way.aclose()
