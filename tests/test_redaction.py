import html
import json
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from browserwatch.redaction import MASK, MAX_SECRETS, MIN_SECRET_LENGTH, PageAddress, Redactor, secret_values

PASSWORD = "hünter2 & \"co\" <x>/y?'z'\\"  # noqa: S105  # made up
PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" ")
SECRETS = st.text(PRINTABLE, min_size=MIN_SECRET_LENGTH, max_size=12)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    redactor.declare(values)
    return redactor


def uri_component(value: str) -> str:
    """JavaScript's encodeURIComponent."""
    return quote(value, safe="!'()*")


def browser_path(value: str) -> str:
    """What a browser makes of a path segment: https://url.spec.whatwg.org/#path-percent-encode-set."""
    return quote(value, safe="!$%&'()*+,;=:@[]\\^|~")


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda value: quote(value, safe=""),
    "percent, slashes kept": quote,
    "plus": quote_plus,
    "html": html.escape,
    "json": json.dumps,
    "json, not ascii": lambda value: json.dumps(value, ensure_ascii=False),
    "repr": repr,
    "exception": lambda value: str(KeyError(value)),
}
OTHER_ENCODINGS: dict[str, tuple[Callable[[str], str], str]] = {
    "encodeURIComponent": (uri_component, "p@ss word!"),
    "browser's path": (browser_path, "p@ss word!"),
    "html text": (lambda value: html.escape(value, quote=False), "it's <me> & co"),
    "repr among both quotes": (lambda value: repr(f'"{value}"'), "it's me"),
}


# --- declared values ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", [str, str.upper, str.lower], ids=["as is", "upper", "lower"])
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_declared_value_encoded(encode: Callable[[str], str], case: Callable[[str], str]) -> None:
    """A declared value is found in whatever form it turns up, in either case."""
    told = case(encode(PASSWORD)).strip("\"'")
    shown = knowing(PASSWORD).counted(f"Could not type {told} into element 3")
    assert shown == (f"Could not type {MASK} into element 3", 1)


@pytest.mark.parametrize(
    ("encode", "secret"),
    OTHER_ENCODINGS.values(),
    ids=OTHER_ENCODINGS,
)
def test_declared_value_in_other_forms(encode: Callable[[str], str], secret: str) -> None:
    """Encoders differ in what they leave as it is; every common one is known."""
    told = encode(secret)
    assert told.strip("\"'") not in knowing(secret).text(f"typed {told} there")


@pytest.mark.parametrize("secret", ["alice@example.com", "Zoë Smith", "s3cret&x/y"])
def test_declared_value_in_a_url(secret: str) -> None:
    """A secret does not leave in any part of a URL, nor in the path that is shown as an attribute."""
    clean = knowing(secret)
    for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
        url = f"https://shop.example/users/{form}/cart"
        assert clean.text(f"GET {url} failed").count(MASK) == 1
        assert form not in clean.text(f"GET {url} failed")
        if "+" not in form:  # in a path a plus is a plus
            assert clean.address(url).path == f"/users/{MASK}/cart"
    assert knowing("acme-corp").address("https://acme-corp.example/").host == f"{MASK}.example"


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("hunter22", ""),
        ("Straße", "n"),
        ("ΑΒΓΣ", " "),
        ("ǅungla", "x"),
        ("a.*b+", ""),
        ("[x]{4}", "xxx"),
        ("émile", ""),
        ("ΑΒΓΣ", "x"),
        ("İstanbul", ""),
    ],
)
def test_declared_value_of_any_alphabet(value: str, after: str) -> None:
    """Case folding has odd corners; the value as it was declared is always found, whatever follows it."""
    assert knowing(value).text(f"typed {value}{after}") == f"typed {MASK}{after}"


@example("hunter2 & co?", "<b>", "</b>")
@given(SECRETS.filter(str.isascii), TEXTS, TEXTS)
def test_no_declared_value_survives(secret: str, before: str, after: str) -> None:
    """Whatever stands around a declared value, it does not come out, in neither case."""
    for told in (secret, secret.upper(), secret.lower()):
        shown = knowing(secret).text(before + told + after).replace(MASK, "\0")
        assert secret.lower() not in shown.lower()


@example("İstanbul", "", "")
@given(SECRETS, TEXTS, TEXTS)
def test_no_declared_value_of_any_alphabet_survives(secret: str, before: str, after: str) -> None:
    """Whatever letters a declared value is made of, it does not come out."""
    shown = knowing(secret).text(before + secret + after).replace(MASK, "\0")
    assert secret not in shown


def test_longest_value_first() -> None:
    """A value that contains another one is masked as a whole."""
    assert knowing("hunter", "hunter22", "unte").text("it is hunter22.") == f"it is {MASK}."


def test_count() -> None:
    """Each place is counted; harmless text counts nothing."""
    clean = knowing("hunter22")
    assert clean.counted("hunter22, HUNTER22 and Bearer abcdef123") == (f"{MASK}, {MASK} and Bearer {MASK}", 3)
    assert clean.counted("nothing here") == ("nothing here", 0)


def test_short_values_are_not_declared() -> None:
    """A value of three characters would mask harmless text everywhere; one of four is a secret."""
    clean = knowing("", "1", "abc", "abcd")
    assert clean.text("1 abc abcd") == f"1 abc {MASK}"
    assert repr(clean) == "<Redactor: 1 declared values>"


def test_repr_shows_nothing() -> None:
    """A redactor in a traceback or a log gives nothing away."""
    assert repr(knowing("hunter22", "swordfish")) == "<Redactor: 2 declared values>"


def test_many_values_are_bounded() -> None:
    """The oldest value is forgotten beyond the limit, the one declared again is not the oldest any more."""
    clean = knowing(*(f"secret-{number:05}" for number in range(MAX_SECRETS)))
    clean.declare(["secret-00000", "one-more-secret"])
    assert repr(clean) == f"<Redactor: {MAX_SECRETS} declared values>"
    assert clean.text("secret-00000 one-more-secret secret-00002") == f"{MASK} {MASK} {MASK}"
    assert clean.text("secret-00001") == "secret-00001"


def test_threads() -> None:
    """Values declared from many threads at once are all known afterwards."""
    clean = Redactor()
    ready = threading.Barrier(8)

    def declare(number: int) -> None:
        ready.wait(10)
        for other in range(20):
            clean.declare([f"value-{number}-{other}."])

    threads = [threading.Thread(target=declare, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    text = " ".join(f"value-{number}-{other}." for number in range(8) for other in range(20))
    assert clean.text(text) == " ".join([MASK] * 160)


def test_cut_after_redaction() -> None:
    """A text is cut when the secrets are out, so no half of one is left at the end."""
    clean = knowing("hunter22")
    assert clean.text("pw hunter22", 8) == "pw [RED…"
    assert clean.text("Bearer abcdef123456", 12) == "Bearer [RED…"
    assert clean.text("12345678", 8) == "12345678"
    assert clean.text("123456789", 8) == "1234567…"
    assert clean.text("123456789") == "123456789"


@given(text=TEXTS, limit=st.integers(1, 40))
def test_limit_holds(text: str, limit: int) -> None:
    """No text is longer than its limit, and a shorter one is not touched by it."""
    shown = Redactor().text(text, limit)
    assert len(shown) <= limit
    if shown != (whole := Redactor().text(text)):
        assert len(whole) > limit


@pytest.mark.parametrize(
    ("sensitive_data", "values"),
    [
        (None, []),
        ({}, []),
        ({"user": "alice", "pin": 1234}, ["alice"]),
        ({"https://*.example.com": {"user": "alice", "password": "x"}, "other": "y"}, ["alice", "x", "y"]),
    ],
)
def test_secret_values(sensitive_data: object, values: list[str]) -> None:
    """Both forms of browser-use's `sensitive_data` are understood, also mixed."""
    assert secret_values(sensitive_data) == values


# --- URLs --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/a/b", "https://example.com/a/b"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://alice:hunter2@example.com/a", "https://example.com/a"),
        ("https://alice@example.com", "https://example.com"),
        ("https://example.com/a?q=alice&b=2", "https://example.com/a"),
        ("https://example.com/a#alice", "https://example.com/a"),
        ("https://example.com?q=alice", "https://example.com"),
        ("HTTPS://Alice:x@Example.com/A?q=1", "https://example.com/A"),
        ("wss://alice:x@example.com/cdp/1?key=2", "wss://example.com/cdp/1"),
        ("file:///home/alice/notes.txt", f"file://{MASK}"),
        ("postgresql://alice:hunter2@db.example/app", f"postgresql://{MASK}"),
        ("http://example.com:99999/?q=alice", MASK),
        ("https://example.com/a?filter[name]=alice&b=2", "https://example.com/a"),
        ("https://example.com/a?q=(x)alice", "https://example.com/a"),
        ("https://example.com/a?q={x}alice", "https://example.com/a"),
        ("http://[::1]:8080/a?q=alice", "http://[::1]:8080/a"),
        ("https://alice:hun)ter2@example.com/a", "https://example.com/a"),
    ],
)
def test_url_in_text(url: str, shown: str) -> None:
    """Of a URL in a text only scheme, host, port and path stay; of those that are content, the scheme."""
    assert Redactor().text(f"Could not open {url}") == f"Could not open {shown}"
    assert Redactor().text(f'"{url}" failed') == f'"{shown}" failed'


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://alice:x@example.com:8443/a/b?c=d#e", PageAddress("https", "example.com", 8443, "/a/b")),
        ("http://example.com", PageAddress("http", "example.com", None, "")),
        ("http://[::1]:80/x", PageAddress("http", "::1", 80, "/x")),
        ("https://example.com/caf%C3%A9", PageAddress("https", "example.com", None, "/café")),
        ("https://example.com/a%3Ftoken=abcdef", PageAddress("https", "example.com", None, f"/a?token={MASK}")),
        ("https://example.com/sk-abcdefghijklmnop", PageAddress("https", "example.com", None, f"/{MASK}")),
        ("data:text/html,<b>alice</b>", PageAddress("data", "", None, "")),
        ("blob:https://example.com/alice", PageAddress("blob", "", None, "")),
        ("javascript:alert('alice')", PageAddress("javascript", "", None, "")),
        ("file:///home/alice", PageAddress("file", "", None, "")),
        ("about:blank", PageAddress("about", "", None, "")),
        ("http://example.com:99999/", PageAddress("", "", None, "")),
        ("http://[::1/", PageAddress("", "", None, "")),
        ("", PageAddress("", "", None, "")),
    ],
)
def test_address(url: str, shown: PageAddress) -> None:
    """Of a page's URL the attributes get scheme, host, port and path, and of other schemes only the scheme."""
    assert Redactor().address(url) == shown


def test_address_is_bounded() -> None:
    """No page makes an attribute grow without bound."""
    address = Redactor().address(f"http://{'h' * 1000}/{'p' * 100_000}")
    assert len(address.host) <= 255
    assert len(address.path) <= 256


# --- shapes of credentials ---------------------------------------------------------------------------------------------
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
KEYS = (
    "sk-abcdefghijklmnop1234",
    "sk-proj-abcDEF123_456-789xyz",
    "sk-ant-api03-abcdefghijkl-mnop",
    "sk_live_abcdefghijkl1234",
    "pk_test_abcdefghijkl1234",
    "rk_live_abcdefghijkl1234",
    "bu_abcdefghijkl1234567890",
    "ghp_abcdefghijklmnop1234",
    "gho_abcdefghijklmnop1234",
    "ghs_abcdefghijklmnop1234",
    "glpat-abcdefghijklmnop1234",
    "xoxb-123456789012-abcdefghijkl",
    "hf_abcdefghijklmnop1234",
    "gsk_abcdefghijklmnop1234",
    "npm_abcdefghijklmnop1234",
    "dop_v1_abcdefghijklmnop1234",
    "AIzaSyA-abcdefghijklmnop_1234567890",
    "ya29.a0AfH6SMBabcdefghijklmnop",
    "AKIAABCDEFGHIJKLMNOP",
    "ASIAABCDEFGHIJKLMNOP",
    JWT,
)


@pytest.mark.parametrize(
    "key",
    [
        *KEYS,
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz123",
        "xai-abcdefghijklmnop1234567890",
        "ghp-abcdefghijklmnop1234567890",
    ],
)
def test_keys_of_known_shape(key: str) -> None:
    """A key is masked wherever it stands."""
    for text in ("Incorrect key provided: {}.", "({})", '{{"k": "{}"}}', "{}"):
        shown, found = Redactor().counted(text.format(key))
        assert shown.rstrip(".") == text.format(MASK).rstrip(".")
        assert found == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-ghi", f"Authorization: {MASK}"),
        ("authorization: Basic dXNlcjpwYXNz", f"authorization: {MASK}"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz\r\nHost: x", f"Proxy-Authorization: {MASK}\r\nHost: x"),
        ("{'Authorization': 'Bearer abcdef', 'Accept': '*/*'}", f"{{'Authorization': '{MASK}', 'Accept': '*/*'}}"),
        ('{"authorization":"Bearer abcdef"}', f'{{"authorization":"{MASK}"}}'),
        ("sent Bearer abc.def-ghi_jkl", f"sent Bearer {MASK}"),
        ("sent basic dXNlcjpwYXNz", f"sent basic {MASK}"),
        ("Cookie: sid=abc; theme=dark", f"Cookie: {MASK}"),
        ("Set-Cookie: sid=abc; Path=/; HttpOnly\nAge: 3", f"Set-Cookie: {MASK}\nAge: 3"),
        ("'set-cookie': 'sid=abc; Path=/'", f"'set-cookie': '{MASK}'"),
        ('Set-Cookie: sid="abc"; Path=/', f"Set-Cookie: {MASK}"),
        ('Authorization: Digest username="alice", response="6629fae4"', f"Authorization: {MASK}"),
    ],
)
def test_headers(text: str, shown: str) -> None:
    """What authenticates a request is masked to the end of the header."""
    assert Redactor().counted(text) == (shown, 1)


NAMES = (
    "api_key",
    "apikey",
    "API-KEY",
    "x-api-key",
    "OPENAI_API_KEY",
    "aws_secret_access_key",
    "client_secret",
    "secret",
    "token",
    "access_token",
    "csrf-token",
    "password",
    "passwd",
    "pwd",
    "db_password",
    "session_id",
    "sessionid",
    "otp",
)


@pytest.mark.parametrize("name", NAMES)
def test_named_values(name: str) -> None:
    """The value beside a telling name is masked, in the notations of shells, JSON, Python and query strings."""
    clean = Redactor()
    assert clean.text(f"{name}=Abc123, then") == f"{name}={MASK}, then"
    assert clean.text(f"{name}: Abc123") == f"{name}: {MASK}"
    assert clean.text(f'{{"{name}": "two words", "b": 1}}') == f'{{"{name}": {MASK}, "b": 1}}'
    assert clean.text(f"{{'{name}': 'two words', 'b': 1}}") == f"{{'{name}': {MASK}, 'b': 1}}"
    assert clean.text(f"a=1&{name}=Abc123&b=2") == f"a=1&{name}={MASK}&b=2"


@pytest.mark.parametrize(
    ("letter", "other"),
    [("s", "\N{LATIN SMALL LETTER LONG S}"), ("k", "\N{KELVIN SIGN}"), ("i", "\u0131"), ("i", "\u0130")],
)
def test_letters_that_only_look_different(letter: str, other: str) -> None:
    """Those that Python's patterns take for the same when they ignore case; there are no more."""
    name = {"s": "session_id", "k": "token", "i": "session_id"}[letter].replace(letter, other)
    assert Redactor().text(f"{name}=Abc123") == f"{name}={MASK}"


@pytest.mark.parametrize("text", [json.dumps(json.dumps({"password": "hunter22", "page": 1}))])
def test_named_values_in_nested_json(text: str) -> None:
    """Parameters of an action inside a logged request are JSON inside JSON."""
    assert "hunter22" not in Redactor().text(text)


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_private_keys(kind: str) -> None:
    """A private key is masked with all its lines, also when its end was cut off."""
    key = f"-----BEGIN {kind}PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n"
    clean = Redactor()
    assert clean.text(f"{key}-----END {kind}PRIVATE KEY-----\nrest") == f"{MASK}\nrest"
    assert clean.text(f"found {key}") == f"found {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "Element with given id not found",
        "Failed to click element: <button id=3>. Index 7 does not exist.",
        "Navigation failed: net::ERR_NAME_NOT_RESOLVED",
        "Page.navigate() timed out after 20.0s (20012ms) for https://example.com/a/b",
        "🔗 Navigated to https://example.com/search",
        "Clicked button with index 4: Sign in to your session",
        "Typed into the password field",
        "The keyboard has a key for every token of the language",
        "I pass the secret garden, basically, and the cookie jar is empty",
        "Used 1200 input tokens and 30 output tokens; max_tokens=4096, tokens: 3",
        "The session expired 3 minutes ago; session=closed",
        "Task: find the best monkey: price=3, risk-free, ask-me-anything",
        "The API key is missing",
        "Cancelled: stop() was called; 12 of 100 steps done",
        "scroll_down(amount=500) -> ok",
        "1 of 2: 50 % done (see docs/limits.md), a@b.example, C:\\Users\\x",
        "authors, authority and authentication are words",
        "Übergrößenträger — “naïve” café 日本語 🙂",
        "<a href='/two'>two</a>",
        "",
        "Fill in the basic information form",
        "The bearer authentication is missing",
    ],
)
def test_harmless_text_is_unchanged(text: str) -> None:
    """What people and browser-use write stays readable, also with some secrets declared."""
    assert knowing("swordfish", "hunter22").counted(text) == (text, 0)


# --- hostile input -----------------------------------------------------------------------------------------------------
@contextmanager
def guard(seconds: float) -> Generator[None]:
    """Ends a regular expression after so much CPU time: `re` looks for signals while it matches."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still busy after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


SIZE = 200_000
HOSTILE = {
    "one letter": "a",
    "token without end": "token",
    "keys": "sk-",
    "dotted": "sk-a.",
    "spaces": " ",
    "name and spaces": "token ",
    "bearer": "bearer ",
    "cookies": "cookie",
    "cookie headers": "cookie: ",
    "schemes": "a://",
    "half schemes": "ab+cd:/",
    "user info": "http://a:b@",
    "percent": "%25",
    "private keys": "-----BEGIN ",
    "private keys, no end": "-----BEGIN PRIVATE KEY-----",
    "quotes": "password='",
    "jwt": "eyJ",
    "masks": "[REDACTED]",
    "lines": "\n",
    "emoji": "🙂",
    "hyphens": "a-",
    "jwts": "eyJabcdefgh-",
    "half names": 'token="x',
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
@pytest.mark.parametrize(
    "unit",
    HOSTILE.values(),
    ids=HOSTILE,
)
def test_hostile_input_ends(unit: str) -> None:
    """No text keeps the process busy: the time grows with the length, not with its square."""
    clean = knowing("hunter22", "swordfish & co?")
    text = unit * (SIZE // len(unit))
    with guard(4):
        for whole in (text, f"token {text}", f"{text} token", f"http://example.com/{text}"):
            clean.text(whole, 200)


def test_a_long_text_that_comes_again() -> None:
    """It is cleaned once, and anew when another secret has been declared since."""
    redactor = Redactor()
    text = "word " * 1000 + "sk-abcdefghijklmnop1234 " + "another-secret"
    first = redactor.counted(text)
    assert first == redactor.counted(text)
    assert first[1] == 1
    assert "another-secret" in first[0]
    redactor.declare(["another-secret"])
    again = redactor.counted(text)
    assert "another-secret" not in again[0]
    assert again[1] == 2
    assert redactor.counted(text, 100)[0] == again[0][:99] + "…"


def test_what_is_kept_is_bounded_and_tells_nothing() -> None:
    """A text is known by its digest: no secret stays in memory for it."""
    redactor = Redactor()
    for number in range(100):
        redactor.text(f"{number} " * 1000 + "sk-abcdefghijklmnop1234")
    assert len(redactor._kept) <= 32
    assert "sk-abc" not in str(redactor._kept)


def test_a_name_that_comes_again() -> None:
    """It is cut and masked as any text, and known no longer once it has been declared secret."""
    redactor = Redactor()
    for _ in range(2):
        assert redactor.name("click_element", 64) == ("click_element", 0)
        assert redactor.name("click_element", 6) == ("click…", 0)
        assert redactor.name("sk-abcdefghijklmnop1234", 64) == (MASK, 1)
    redactor.declare(["click_element"])
    assert redactor.name("click_element", 64) == (MASK, 1)


def test_names_that_are_kept() -> None:
    """Few, and none that had to be masked."""
    redactor = Redactor()
    for number in range(1000):
        redactor.name(f"tool-{number}", 64)
        redactor.name(f"sk-abcdefghijklmnop{number}", 64)
    assert 0 < len(redactor._names) <= 256
    assert not any("sk-" in name for name in redactor._names)
