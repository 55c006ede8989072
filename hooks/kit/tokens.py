"""Deliver: short-lived access tokens, fetched once however many calls wait for one.

`TokenKeeper` keeps the token of one account: asked for early before it runs out, shared by all waiting calls, dropped
when the vendor refuses it, and shared with other servers where there are some. `client_credentials` is the usual way to
get one (RFC 6749, 4.4).
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from hooks.errors import Permanent, Transient, Unconfigured
from hooks.events import Answer, Request
from hooks.kit.answers import read_json, vendor_words, verdict
from hooks.kit.http import Http, check_header, nothing_sent
from hooks.kit.sealing import Seal
from hooks.ports import TokenShelf

EARLY_SECONDS = 45.0
EARLY_SHARE = 0.2
"""A token is renewed 45 s before its end, or a fifth of its life where that is less."""
DEFAULT_LIFE = 300.0
"""For answers that do not say ``expires_in``."""
TOKEN_TIMEOUT = 30.0
LOOK_AGAIN = 0.2
"""Seconds between two looks whether another server has fetched the token by now."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and for how many seconds it is good."""

    text: str = field(repr=False)
    life: float


class TokenKeeper:
    """The current token of an account. ``fetch`` asks the vendor for a new one and raises a DeliveryError if it cannot.

    Callers that wait share one fetch and its outcome, also its failure. A caller that gives up does not end the fetch
    for the others. Servers that `share` a shelf fetch one after the other, and only where the one before got none.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        *,
        credentials: Sequence[str] = (),
        taken: Callable[[Token], None] = lambda token: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``credentials``: all that a token depends on, its address too. ``taken`` hears of other servers' tokens."""
        self._fetch = fetch
        self._credentials = credentials
        self._taken = taken
        self._monotonic = monotonic
        self._token: Token | None = None
        self._renew_at = 0.0
        self._fetching: asyncio.Task[Token] | None = None
        self._shelf: TokenShelf | None = None
        self._seal: Seal | None = None
        self._refused: str | None = None

    def share(self, shelf: TokenShelf) -> None:
        """From now on take tokens from there, and leave new ones there."""
        self._shelf = shelf

    async def get(self, timeout: float) -> str:
        """A token that is good now. Raises what ``fetch`` raised, or Transient after ``timeout`` seconds."""
        if self._token is not None and self._monotonic() < self._renew_at:
            return self._token.text
        task = self._fetching
        if task is None:
            task = self._fetching = asyncio.create_task(self._renew())
            # Read even when every caller has gone, so that a failure is not reported as never retrieved.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait([task], timeout=timeout)
        if not done or task.cancelled():
            raise Transient("no access token came in time")
        return task.result().text

    def refuse(self, text: str) -> None:
        """The vendor refused this token: the next call gets a new one. A token that is already replaced is ignored."""
        if self._token is not None and self._token.text == text:
            self._token = None
            self._refused = text

    async def _renew(self) -> Token:
        try:
            with nothing_sent():
                self._token = await (self._fetched() if self._shelf is None else self._shared(self._shelf))
            return self._token
        finally:
            self._fetching = None

    async def _fetched(self) -> Token:
        token = await self._fetch()
        self._refused = None  # some vendors give the same token again
        self._renew_at = self._monotonic() + _good_for(token)
        return token

    async def _shared(self, shelf: TokenShelf) -> Token:
        """The token that another server has left, or a new one, which then is left for the others."""
        if self._seal is None:
            self._seal = await asyncio.to_thread(Seal, *self._credentials)
        seal = self._seal
        while True:
            number, sealed, seconds = await shelf.look(seal.name)
            text = None if sealed is None or seconds <= 0 else seal.open(sealed)
            if text is not None and text != self._refused:
                token = Token(text, seconds)
                self._renew_at = self._monotonic() + seconds
                self._taken(token)
                return token
            if await shelf.begin(seal.name, number):
                break
            await asyncio.sleep(LOOK_AGAIN)
        try:
            token = await self._fetched()
        except BaseException:
            await shelf.leave(seal.name)
            raise
        await shelf.put(seal.name, seal.close(token.text), _good_for(token))
        return token

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        task, self._fetching = self._fetching, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


def _good_for(token: Token) -> float:
    """Seconds after which a new one is fetched."""
    return token.life - min(EARLY_SECONDS, token.life * EARLY_SHARE)


async def authorized(keeper: TokenKeeper, send: Callable[[str, float], Awaitable[Answer]], timeout: float) -> Answer:
    """Send with a token; once more with a fresh one when it is refused with 401, because then nothing was done.

    ``send`` is given the token and the seconds left. The second 401 is returned like any answer.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    token = await keeper.get(timeout)
    answer = await send(token, max(end - loop.time(), 0.0))
    if answer.status != 401:
        return answer
    keeper.refuse(token)
    token = await keeper.get(max(end - loop.time(), 0.0))
    return await send(token, max(end - loop.time(), 0.0))


async def client_credentials(
    http: Http,
    client_id: str,
    client_secret: str,
    *,
    scope: str | None = None,
    basic: bool = False,
    timeout: float = TOKEN_TIMEOUT,
) -> Token:
    """A token of the client credentials grant from the token address that ``http`` is bound to.

    Form-encoded, as the grant demands; ``basic`` sends id and secret as Basic authentication instead of in the form.
    Raises Unconfigured when they are refused, or when what answers there gives no tokens.
    """
    fields = {"grant_type": "client_credentials"}
    headers: dict[str, str] = {}
    if basic:
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        headers["authorization"] = basic_value(pair)
    else:
        fields |= {"client_id": client_id, "client_secret": client_secret}
    if scope:
        fields["scope"] = scope
    request = Request(
        "POST", "", headers={"content-type": "application/x-www-form-urlencoded"}, body=urlencode(fields).encode()
    )
    answer = await http.send(request, timeout=timeout, secret_headers=headers, private=True)
    if answer.status in (400, 401, 403):
        words = vendor_words(answer.body)
        told = f"the token address refused the credentials: {words}" if words else "the credentials were refused"
        raise Unconfigured(told, status=answer.status)
    try:
        verdict(answer)
    except Permanent as error:
        raise unopened(f"the token address {error.message}", error) from error
    return _read_token(answer)


def unopened(told: str, error: Permanent) -> Unconfigured:
    """What a refusal for good means where only a sign-in was asked for: it is about no event, so none dies of it."""
    return Unconfigured(told.replace("check base_url", "check the address"), status=error.status)


def check_token(text: str) -> None:
    """Raise Transient when no header can carry it: it is no token, whatever answered with it."""
    try:
        check_header("authorization", text)
    except Permanent as error:
        raise Transient("the answer's token is none that a header can carry") from error


def _read_token(answer: Answer) -> Token:
    given = read_json(answer)
    text = given.get("access_token") if isinstance(given, dict) else None
    if not isinstance(text, str) or not text:
        raise Transient("the token address answered without a token", status=answer.status)
    check_token(text)
    life = given.get("expires_in")
    if isinstance(life, str) and life.isdecimal():
        life = int(life)
    good = isinstance(life, (int, float)) and not isinstance(life, bool) and life > 0
    return Token(text, float(life) if good else DEFAULT_LIFE)


def basic_value(pair: str) -> str:
    """The value of a Basic Authorization header for ``user:password``."""
    return "Basic " + b64encode(pair.encode()).decode()
