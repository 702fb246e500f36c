"""The demo site's pages as HTML: stable element ids, nothing from elsewhere, everything from users escaped."""

from html import escape

# V8's arrays end at 2 ** 27 elements. Splitting a string into more is fatal to the tab before anything is allocated
# but the string: gone within a second, at 150 MB for a moment, whatever the machine's memory.
_CRASH = "'x'.repeat(150000000).split('');"

PRODUCTS = (
    ("Anvil", 12, "149.00"),
    ("Bellows", 3, "58.50"),
    ("Chisel", 40, "9.90"),
    ("Drawknife", 7, "34.00"),
    ("Forge", 1, "890.00"),
    ("Gouge", 22, "14.20"),
    ("Hammer", 31, "27.80"),
    ("Tongs", 0, "21.00"),
)

_LINKS = (
    ("table", "/table", "Products"),
    ("login", "/login", "Sign in"),
    ("account", "/account", "Account"),
    ("form", "/form", "Forms"),
    ("slow", "/slow?seconds=2", "A slow page"),
    ("slow-asset", "/slow-asset?seconds=2", "A page with a slow image"),
    ("redirect", "/redirect", "HTTP redirects"),
    ("meta", "/redirect-meta", "A meta refresh"),
    ("script", "/redirect-script", "A script redirect"),
    ("frames", "/frames", "A page with a frame"),
    ("app", "/app", "A single-page app"),
    ("missing", "/missing", "A page that is not there"),
    ("error", "/error", "A page that fails"),
    ("download", "/download", "A download"),
    ("fill", "/fill", "A page that leaves cookies and local storage"),
    ("alert", "/alert", "A page with an alert"),
    ("crash", "/crash", "A page that can crash its tab"),
)


def fill(cookies: int, size: int) -> str:
    """A page that leaves so many cookies, and so many characters in local storage, in pieces of a thousand."""
    return page(
        "Filled",
        f'<p id="filled">{cookies} cookies, {size} characters</p>',
        head=script(
            f"for (let i = 0; i < {cookies}; i++) document.cookie = `c${{i}}=${{'v'.repeat(32)}}; max-age=3600; path=/`;"
            f"for (let i = 0; i * 1000 < {size}; i++)"
            f" localStorage.setItem(`k${{i}}`, 'x'.repeat(Math.min(1000, {size} - i * 1000)));"
        ),
    )


def page(title: str, body: str, *, head: str = "") -> str:
    """A whole page; `title` is escaped, `body` and `head` are HTML."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>{head}</head>\n'
        f'<body>\n<h1 id="title">{escape(title)}</h1>\n{body}\n'
        '<p><a id="home" href="/">Home</a></p>\n</body>\n</html>\n'
    )


def script(code: str) -> str:
    """A script element."""
    return f"<script>{code}</script>"


def index() -> str:
    """Links to all the rest, and two that open a tab."""
    links = "\n".join(f'<li><a id="link-{name}" href="{path}">{text}</a></li>' for name, path, text in _LINKS)
    tabs = (
        '<li><a id="link-blank" href="/arrived?from=blank" target="_blank">A link to a new tab</a></li>\n'
        '<li><button id="open-window" onclick="window.open(\'/arrived?from=window\')">'
        "A script that opens a tab</button></li>"
    )
    return page("Demo shop", f"<ul>\n{links}\n{tabs}\n</ul>")


def arrived(source: str) -> str:
    """Where redirects and new tabs end."""
    return page("Arrived", f'<p id="from">{escape(source)}</p>')


def meta_redirect() -> str:
    """A page that leads on by a meta refresh."""
    return page("Leading on", "", head='<meta http-equiv="refresh" content="0; url=/arrived?from=meta">')


def script_redirect() -> str:
    """A page that leads on by script."""
    return page("Leading on", script("location = '/arrived?from=script';"))


def login(problem: str = "") -> str:
    """The form to sign in with."""
    # browser-use drops an attribute whose value an earlier one has too, so no id here is "password".
    return page(
        "Sign in",
        f'<p id="login-problem">{escape(problem)}</p>\n'
        '<form id="login-form" method="post" action="/login">\n'
        '<label>User <input id="login-user" name="user" autocomplete="off"></label>\n'
        '<label>Password <input id="login-secret" name="secret" type="password"></label>\n'
        '<button id="login-submit">Sign in</button>\n</form>',
    )


def signed_in() -> str:
    """What a sign-in answers: fills local storage, then leads on to the account."""
    return page("Signing in", script("localStorage.setItem('cart', '3 items'); location.replace('/account');"))


def account(user: str) -> str:
    """The account; its cart is in local storage."""
    show = "document.getElementById('cart').textContent = localStorage.getItem('cart') || 'no cart in this browser';"
    return page(
        "Account",
        f'<p>Signed in as <b id="user">{escape(user)}</b>. Cart: <span id="cart"></span></p>\n{script(show)}\n'
        '<form method="post" action="/logout"><button id="logout">Sign out</button></form>',
    )


def table() -> str:
    """The products, always the same."""
    rows = "\n".join(f"<tr><td>{name}</td><td>{stock}</td><td>{price}</td></tr>" for name, stock, price in PRODUCTS)
    heads = "<tr><th>Product</th><th>In stock</th><th>Price</th></tr>"
    return page("Products", f'<table id="products">\n{heads}\n{rows}\n</table>')


def forms() -> str:
    """One form by GET, whose values get into the URL, and one by POST."""
    one, two = (
        f'<form method="{method}" action="/echo">\n<label>Text <input id="{method}-text" name="text"></label>\n'
        f'<button id="{method}-submit">Send by {method.upper()}</button>\n</form>'
        for method in ("get", "post")
    )
    return page("Forms", f"{one}\n{two}")


def echo(text: str) -> str:
    """What was typed, in title and body."""
    return page(f"You typed {text}", f'<p id="echo">{escape(text)}</p>')


def waited(seconds: float) -> str:
    """The end of a slow page."""
    return page("Slow page", f'<p id="waited">This took {seconds:g} seconds.</p>')


def slow_asset(seconds: float) -> str:
    """A page that is there at once, with an image that isn't."""
    return page(
        "Slow image", f'<img id="slow-image" alt="a dot" width="8" height="8" src="/dot.svg?seconds={seconds:g}">'
    )


def frames() -> str:
    """A page with a frame."""
    return page("Frames", '<iframe id="frame" title="inner" src="/frame" width="400" height="200"></iframe>')


def frame() -> str:
    """The inside of the frame."""
    return page("Inside", '<button id="frame-button" onclick="this.textContent = \'Pressed\'">Press</button>')


def app(view: str) -> str:
    """A single-page app: its links change the URL and the view without a load."""
    code = """
    const show = () => { document.getElementById('view').textContent = location.pathname.split('/')[2] || 'start'; };
    for (const name of ['one', 'two']) {
      document.getElementById('view-' + name).onclick = () => { history.pushState({}, '', '/app/' + name); show(); };
    }
    addEventListener('popstate', show);
    """
    buttons = '<button id="view-one">View one</button> <button id="view-two">View two</button>'
    return page("Single-page app", f'<p id="view">{escape(view)}</p>\n{buttons}\n{script(code)}')


def alert() -> str:
    """A page that stops at an alert while it loads."""
    code = "alert('Mind the gap'); document.getElementById('alert-state').textContent = 'dismissed';"
    return page("Alert", f'<p id="alert-state">open</p>\n{script(code)}')


def crash(*, now: bool) -> str:
    """A page that crashes its tab: at the press of a button, or while it loads."""
    button = f'<button id="crash-now" onclick="{_CRASH}">Crash this tab</button>'
    return page("Crash", script(_CRASH) if now else button)


def problem(status: int, text: str) -> str:
    """An error page."""
    return page(f"{status} {text}", f'<p id="problem">{escape(text)}</p>')
