"""Pages that the demo site does not have: values that change with every visit, traps, and a record of what came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

ROTATING = """<!doctype html><title>Rotating</title><p id=count></p><script>
const count = Number(localStorage.getItem('count') ?? 0) + 1;
localStorage.setItem('count', String(count));
document.getElementById('count').textContent = 'count ' + count;
</script>"""
PATCHED = """<!doctype html><title>Patched</title><p>the real text</p><script>
JSON.stringify = () => '"forged"';
Object.entries = () => [['forged', 'forged']];
localStorage.setItem('real', 'yes');
</script>"""
POPUP = """<!doctype html><title>Popup</title>
<script>window.open('/popup-window'); window.onbeforeunload = () => 'stay';</script>"""
HALF = "<!doctype html><title>half</title><p id=p></p><script>document.getElementById('p').textContent = '\\ud800';</script>"


@dataclass
class ExtraSite:
    """The app, and the headers of every request that reached it."""

    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(
            routes=[
                Route("/rotating", self._page(lambda _: HTMLResponse(ROTATING))),
                Route("/patched", self._page(lambda _: HTMLResponse(PATCHED))),
                Route("/popup", self._page(lambda _: HTMLResponse(POPUP))),
                Route("/popup-window", self._page(lambda _: HTMLResponse("<title>window</title>"))),
                Route("/half", self._page(lambda _: HTMLResponse(HALF))),
                Route("/no-content", self._page(lambda _: Response(status_code=204))),
                Route("/no-body", self._page(lambda _: Response(status_code=404))),
                Route("/to-private", self._page(lambda _: RedirectResponse("http://10.0.0.1/"))),
                Route("/to-private-tls", self._page(lambda _: RedirectResponse("https://10.0.0.1/"))),
                Route("/to-file", self._page(lambda _: RedirectResponse("file:///etc/hostname"))),
                Route("/token", self._page(_token)),
                Route("/long", self._page(lambda _: HTMLResponse("<div style='height:60000px'>long</div>"))),
                Route("/deep", self._page(lambda _: HTMLResponse("<div>" * 400 + "deep"))),
            ]
        )

    def _page(self, answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            self.requests.append((request.url.path, dict(request.headers)))
            return answer(request)

        return page


def _token(request: Request) -> Response:
    """Shows the cookie that came, and sets the next one, as sites do that rotate their tokens."""
    shown = request.cookies.get("token", "0")
    response = HTMLResponse(f"<!doctype html><title>Token</title><p>token {shown}</p>")
    response.set_cookie("token", str(int(shown) + 1), max_age=3600)
    return response
