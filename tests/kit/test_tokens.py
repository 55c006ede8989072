"""Access tokens: one fetch however many wait, renewed early, dropped when refused."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hooks.errors import Transient, Unconfigured
from hooks.events import Answer
from hooks.kit.http import Http, record_exchanges
from hooks.kit.tokens import Token, TokenKeeper, authorized, client_credentials


class Issuer:
    """Gives tokens t1, t2... when it is let; keeps count."""

    def __init__(self, life: float = 900.0) -> None:
        self.fetched = 0
        self.life = life
        self.now = 0.0
        self.let = asyncio.Event()
        self.let.set()
        self.error: Exception | None = None

    async def fetch(self) -> Token:
        self.fetched += 1
        await self.let.wait()
        if self.error:
            raise self.error
        return Token(f"t{self.fetched}", self.life)

    def keeper(self) -> TokenKeeper:
        return TokenKeeper(self.fetch, monotonic=lambda: self.now)


async def test_fifty_waiting_calls_make_one_fetch() -> None:
    issuer = Issuer()
    issuer.let.clear()
    keeper = issuer.keeper()
    calls = [asyncio.create_task(keeper.get(5.0)) for _ in range(50)]
    await asyncio.sleep(0)
    issuer.let.set()
    assert ["t1"] * 50 == await asyncio.gather(*calls)
    assert 1 == issuer.fetched


async def test_a_failed_fetch_fails_all_who_waited_for_it_and_is_made_once() -> None:
    issuer = Issuer()
    issuer.let.clear()
    issuer.error = Transient("no", unknown=True)
    keeper = issuer.keeper()
    calls = [asyncio.create_task(keeper.get(5.0)) for _ in range(50)]
    await asyncio.sleep(0)
    issuer.let.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, Transient) and not result.unknown for result in results)
    assert 1 == issuer.fetched


@pytest.mark.parametrize(("life", "kept", "renewed"), [(900.0, 854.0, 856.0), (2.0, 1.5, 1.7)])
async def test_a_token_is_renewed_before_its_end(life: float, kept: float, renewed: float) -> None:
    issuer = Issuer(life)
    keeper = issuer.keeper()
    await keeper.get(1.0)
    issuer.now = kept
    assert "t1" == await keeper.get(1.0)
    issuer.now = renewed
    assert "t2" == await keeper.get(1.0)


async def test_a_caller_that_gives_up_leaves_the_fetch_to_the_others() -> None:
    issuer = Issuer()
    issuer.let.clear()
    keeper = issuer.keeper()
    other = asyncio.create_task(keeper.get(5.0))
    with pytest.raises(Transient) as caught:
        await keeper.get(0.01)
    assert not caught.value.unknown
    issuer.let.set()
    assert "t1" == await other
    assert 1 == issuer.fetched


async def test_closing_ends_a_fetch_under_way() -> None:
    issuer = Issuer()
    issuer.let.clear()
    keeper = issuer.keeper()
    waiting = asyncio.create_task(keeper.get(5.0))
    await asyncio.sleep(0)
    await keeper.aclose()
    with pytest.raises(Transient):
        await waiting
    await keeper.aclose()


async def test_a_refused_token_is_replaced_once_for_all() -> None:
    issuer = Issuer()
    keeper = issuer.keeper()
    asked: list[str] = []

    async def send(token: str, left: float) -> Answer:
        asked.append(token)
        await asyncio.sleep(0)
        return Answer(401 if token == "t1" else 200, {}, b"")

    answers = await asyncio.gather(*(authorized(keeper, send, 5.0) for _ in range(20)))
    assert {200} == {answer.status for answer in answers}
    assert 2 == issuer.fetched
    assert 40 == len(asked)


async def test_a_second_refusal_is_given_back() -> None:
    issuer = Issuer()

    async def send(token: str, left: float) -> Answer:
        return Answer(401, {}, token.encode())

    assert b"t2" == (await authorized(issuer.keeper(), send, 5.0)).body
    assert 2 == issuer.fetched


# --- client credentials ---


def token_address(answer: Response, seen: list[dict[str, str]]) -> Http:
    async def token(request: Incoming) -> Response:
        seen.append({"body": (await request.body()).decode(), "auth": request.headers.get("authorization", "")})
        return answer

    app = Starlette(routes=[Route("/token", token, methods=["POST"])])
    return Http("http://127.0.0.1/token", transport=httpx.ASGITransport(app))


async def test_credentials_go_in_the_form_and_nowhere_else() -> None:
    seen: list[dict[str, str]] = []
    http = token_address(JSONResponse({"access_token": "tok-en", "expires_in": 900}), seen)
    with record_exchanges() as exchanges:
        token = await client_credentials(http, "the-id", "the secret", scope="a b")
    assert [
        {"body": "grant_type=client_credentials&client_id=the-id&client_secret=the+secret&scope=a+b", "auth": ""}
    ] == seen
    assert ("tok-en", 900.0) == (token.text, token.life)
    assert not any(word in repr((exchanges, token)) for word in ("tok-en", "the secret", "the+secret"))


async def test_credentials_can_go_as_basic_authentication() -> None:
    seen: list[dict[str, str]] = []
    http = token_address(JSONResponse({"access_token": "t", "expires_in": "60"}), seen)
    assert 60.0 == (await client_credentials(http, "id:1", "secret", basic=True)).life
    assert [{"body": "grant_type=client_credentials", "auth": "Basic aWQlM0ExOnNlY3JldA=="}] == seen


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_wait_for_an_operator(status: int) -> None:
    http = token_address(JSONResponse({"error": "invalid_client"}, status_code=status), [])
    with pytest.raises(Unconfigured, match="invalid_client"):
        await client_credentials(http, "id", "secret")


@pytest.mark.parametrize("status", [301, 302, 404, 405, 410])
async def test_an_address_that_gives_no_tokens_at_all_waits_for_an_operator(status: int) -> None:
    with pytest.raises(Unconfigured, match=f"the token address answered {status}") as caught:
        await client_credentials(token_address(Response(status_code=status), []), "id", "secret")
    assert "base_url" not in caught.value.message, "it has another key"


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({}),
        JSONResponse({"access_token": "two\r\nlines"}),
        JSONResponse({"access_token": "tök"}),
        JSONResponse([1]),
        JSONResponse({"access_token": 5}),
        Response(b"{"),
        Response(b"", status_code=500),
    ],
)
async def test_a_token_address_that_gives_no_token_is_asked_again_later(answer: Response) -> None:
    with pytest.raises(Transient):
        await client_credentials(token_address(answer, []), "id", "secret")


@pytest.mark.parametrize("life", [None, 0, -5, True, "soon"])
async def test_a_life_that_makes_no_sense_is_taken_as_five_minutes(life: object) -> None:
    http = token_address(JSONResponse({"access_token": "t", "expires_in": life}), [])
    assert 300.0 == (await client_credentials(http, "id", "secret")).life
