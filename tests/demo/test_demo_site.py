import re

import httpx
import pytest


async def test_index_links_exist(site_client: httpx.AsyncClient) -> None:
    """Every link of the index leads to a page, except the one that is there to lead nowhere."""
    links: dict[str, str] = dict(re.findall(r'id="link-([\w-]+)" href="([^"]+)"', (await site_client.get("/")).text))
    statuses = {
        name: (await site_client.get(re.sub("seconds=.*", "seconds=0", path))).status_code
        for name, path in links.items()
    }
    unusual = {name: status for name, status in statuses.items() if status != 200}
    assert unusual == {"account": 303, "error": 500, "missing": 404, "redirect": 302}


async def test_pages_are_self_contained(site_client: httpx.AsyncClient) -> None:
    """No page refers to another host, and each has a title and a way home."""
    for path in ("/", "/table", "/login", "/form", "/frames", "/app", "/alert", "/crash", "/arrived"):
        text = (await site_client.get(path)).text
        assert "://" not in text
        assert "<title>" in text
        assert 'id="home"' in text


async def test_sign_in(site_client: httpx.AsyncClient) -> None:
    """Signing in sets the cookie that the account needs, and local storage; signing out takes the cookie."""
    response = await site_client.post("/login", data={"user": "Zoë & co", "secret": "x"})
    assert "localStorage.setItem('cart'" in response.text
    assert "HttpOnly" in response.headers["set-cookie"]
    account = await site_client.get("/account")
    assert '<b id="user">Zoë &amp; co</b>' in account.text
    await site_client.post("/logout")
    assert (await site_client.get("/account")).headers["location"] == "/login"


@pytest.mark.parametrize("form", [{}, {"user": "me"}, {"user": "me", "secret": "wrong"}])
async def test_sign_in_refused(site_client: httpx.AsyncClient, form: dict[str, str]) -> None:
    """The wrong password, or none, gets the form again and no cookie."""
    response = await site_client.post("/login", data=form)
    assert response.status_code == 401
    assert 'id="login-submit"' in response.text
    assert not site_client.cookies


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_echo_is_escaped(site_client: httpx.AsyncClient, method: str) -> None:
    """What is typed comes back in title and body, as text."""
    values = {"text": "</title><script>alert(1)</script>"}
    get = method == "GET"
    text = (
        await site_client.request(method, "/echo", params=values if get else None, data=None if get else values)
    ).text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert "<script>" not in text


@pytest.mark.parametrize("path", ["/arrived?from=<i>x", "/app/<i>x", "/<i>x"])
async def test_paths_are_escaped(site_client: httpx.AsyncClient, path: str) -> None:
    """Nothing of a URL gets into a page as HTML."""
    assert "<i>" not in (await site_client.get(path)).text


async def test_redirect_chain(site_client: httpx.AsyncClient) -> None:
    """A chain has as many redirects as asked for, within bounds."""
    response = await site_client.get("/redirect?hops=3", follow_redirects=True)
    assert [hop.status_code for hop in response.history] == [302, 302, 302]
    assert str(response.url) == "http://site/arrived?from=redirect"
    assert len((await site_client.get("/redirect?hops=999", follow_redirects=True)).history) == 10


@pytest.mark.parametrize(("seconds", "status"), [("0", 200), ("-5", 200), ("nan", 200), ("soon", 400)])
async def test_slow_is_bounded(site_client: httpx.AsyncClient, seconds: str, status: int) -> None:
    """A slow page takes a number of seconds that is neither negative nor too large."""
    assert (await site_client.get(f"/slow?seconds={seconds}")).status_code == status


async def test_slow_is_capped(site_client: httpx.AsyncClient) -> None:
    """A page with a slow image never asks for more than half a minute."""
    assert "/dot.svg?seconds=30" in (await site_client.get("/slow-asset?seconds=1e9")).text


async def test_download(site_client: httpx.AsyncClient) -> None:
    """A download comes as a file."""
    response = await site_client.get("/download")
    assert response.headers["content-disposition"] == 'attachment; filename="products.csv"'
    assert response.text.splitlines()[:2] == ["product,stock,price", "Anvil,12,149.00"]


async def test_favicon(site_client: httpx.AsyncClient) -> None:
    """The browser's own request is answered, and with nothing."""
    assert (await site_client.get("/favicon.ico")).status_code == 204


async def test_crash_only_when_asked(site_client: httpx.AsyncClient) -> None:
    """The crash waits for its button, unless the URL says now."""
    assert "<script>" not in (await site_client.get("/crash")).text
    assert "<script>" in (await site_client.get("/crash?now")).text


async def test_too_large_form(site_client: httpx.AsyncClient) -> None:
    """A form is small."""
    assert (await site_client.post("/echo", data={"text": "x" * 100_000})).status_code == 413
