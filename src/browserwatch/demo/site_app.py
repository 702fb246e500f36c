"""A small web site for agents to visit: forms, redirects, slow pages, tabs, frames, errors and a crash."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs, quote, unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from browserwatch.demo import pages

WRONG_PASSWORD = "wrong"  # noqa: S105  # the one password that the site refuses
_COOKIE = "session"
_MAX_SECONDS = 30.0
_MAX_HOPS = 10
_MAX_FORM_BYTES = 64 * 1024
_MAX_COOKIES = 150  # of one site; browsers keep some 180
_MAX_STORAGE = 4_000_000
_DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle cx="4" cy="4" r="4"/></svg>'


def _fixed(html: str) -> Callable[[Request], Response]:
    def show(_: Request) -> Response:
        return HTMLResponse(html)

    return show


def _number(request: Request, name: str, default: float, highest: float) -> float:
    try:
        number = float(request.query_params.get(name, default))
    except ValueError as error:
        raise HTTPException(400, f"{name} must be a number") from error
    return min(max(number, 0.0), highest) if number == number else default  # noqa: PLR0124  # NaN isn't itself


async def _form(request: Request) -> dict[str, str]:
    # Starlette's own form parsing wants another package; these forms are plain.
    body = await request.body()
    if len(body) > _MAX_FORM_BYTES:
        raise HTTPException(413, "that is too much for a form")
    return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}


async def _login(request: Request) -> Response:
    if request.method != "POST":
        return HTMLResponse(pages.login())
    form = await _form(request)
    user, secret = form.get("user", ""), form.get("secret", "")
    if not user or not secret or secret == WRONG_PASSWORD:
        return HTMLResponse(pages.login("User or password is wrong."), status_code=401)
    response = HTMLResponse(pages.signed_in())
    response.set_cookie(_COOKIE, quote(user), max_age=3600, httponly=True, samesite="lax")
    return response


def _account(request: Request) -> Response:
    user = request.cookies.get(_COOKIE)
    return HTMLResponse(pages.account(unquote(user))) if user else RedirectResponse("/login", status_code=303)


def _logout(_: Request) -> Response:
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(_COOKIE, httponly=True, samesite="lax")
    return response


async def _echo(request: Request) -> Response:
    values = await _form(request) if request.method == "POST" else request.query_params
    return HTMLResponse(pages.echo(values.get("text", "")))


def _redirect(request: Request) -> Response:
    hops = int(_number(request, "hops", 2, _MAX_HOPS))
    return RedirectResponse(f"/redirect?hops={hops - 1}" if hops > 1 else "/arrived?from=redirect", status_code=302)


def _arrived(request: Request) -> Response:
    return HTMLResponse(pages.arrived(request.query_params.get("from", "")))


async def _slow(request: Request) -> Response:
    seconds = _number(request, "seconds", 2.0, _MAX_SECONDS)
    await asyncio.sleep(seconds)
    return HTMLResponse(pages.waited(seconds))


def _slow_asset(request: Request) -> Response:
    return HTMLResponse(pages.slow_asset(_number(request, "seconds", 2.0, _MAX_SECONDS)))


async def _dot(request: Request) -> Response:
    await asyncio.sleep(_number(request, "seconds", 0.0, _MAX_SECONDS))
    return Response(_DOT, media_type="image/svg+xml")


def _app(request: Request) -> Response:
    return HTMLResponse(pages.app(request.path_params.get("view", "start")))


def _crash(request: Request) -> Response:
    return HTMLResponse(pages.crash(now="now" in request.query_params))


def _download(_: Request) -> Response:
    rows = "".join(f"{name},{stock},{price}\r\n" for name, stock, price in pages.PRODUCTS)
    headers = {"content-disposition": 'attachment; filename="products.csv"'}
    return Response(f"product,stock,price\r\n{rows}", media_type="text/csv", headers=headers)


def _fill(request: Request) -> Response:
    cookies = int(_number(request, "cookies", 10, _MAX_COOKIES))
    return HTMLResponse(pages.fill(cookies, int(_number(request, "bytes", 1000, _MAX_STORAGE))))


def _error(_: Request) -> Response:
    raise HTTPException(500, "This page always fails.")


def _favicon(_: Request) -> Response:
    return Response(status_code=204)


def _problem(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return HTMLResponse(pages.problem(error.status_code, error.detail), status_code=error.status_code)


def demo_site() -> Starlette:
    """Make the app of the demo site; `/` links to every page. It keeps no state: a session is in its cookie."""
    return Starlette(
        routes=[
            Route("/", _fixed(pages.index())),
            Route("/table", _fixed(pages.table())),
            Route("/login", _login, methods=["GET", "POST"]),
            Route("/account", _account),
            Route("/logout", _logout, methods=["POST"]),
            Route("/form", _fixed(pages.forms())),
            Route("/echo", _echo, methods=["GET", "POST"]),
            Route("/slow", _slow),
            Route("/slow-asset", _slow_asset),
            Route("/dot.svg", _dot),
            Route("/redirect", _redirect),
            Route("/redirect-meta", _fixed(pages.meta_redirect())),
            Route("/redirect-script", _fixed(pages.script_redirect())),
            Route("/arrived", _arrived),
            Route("/frames", _fixed(pages.frames())),
            Route("/frame", _fixed(pages.frame())),
            Route("/app", _app),
            Route("/app/{view}", _app),
            Route("/alert", _fixed(pages.alert())),
            Route("/crash", _crash),
            Route("/download", _download),
            Route("/fill", _fill),
            Route("/error", _error),
            Route("/favicon.ico", _favicon),
        ],
        exception_handlers={HTTPException: _problem},
    )
