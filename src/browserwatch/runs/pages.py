"""Page fetches: one page in a pooled browser, with a session if that is wanted. The implementation of `port.Pages`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from typing import Final, Self

from browserwatch import semantics
from browserwatch.agents.errors import CommandFailedError
from browserwatch.agents.lending import Lease, Lender
from browserwatch.agents.messages import Fetch, Fetched
from browserwatch.egress import EgressPolicy
from browserwatch.events import Emit, PageFetched, PageFetchStarted, PolicyBlocked
from browserwatch.runs.errors import PageFailedError
from browserwatch.runs.models import Page, PageRequest
from browserwatch.runs.session_state import finish, open_session, restore, wish_for
from browserwatch.runs.validation import check_page
from browserwatch.sessions.vault import SessionVault
from browserwatch.settings import PREFIX, ServiceSettings
from browserwatch.settings.service import MEBIBYTE
from browserwatch.tracing.ids import span_ids, trace_id

SESSION_WAIT_SECONDS: Final = 10.0
"""How long a fetch waits for a session that is in use: shorter than for an agent, as a run may use it for an hour."""

# The agent keeps the time-out itself; one that does not answer long after it is hung.
_HUNG_MARGIN: Final = 15.0
_PAGES: Final = ("ok", "http_4xx", "http_5xx")


class AgentPages:
    """Fetches pages with agents of the pool.

    Args:
        settings: limits, and where agents may go.
        lender: where agents come from.
        vault: where sessions are.
        emit: told when a fetch begins and ends, of sessions that were reused, and of URLs that were blocked.
    """

    def __init__(self, settings: ServiceSettings, lender: Lender, vault: SessionVault, emit: Emit) -> None:
        self._settings = settings
        self._lender = lender
        self._vault = vault
        self._emit = emit
        self._policy = EgressPolicy.parse(settings.egress_allow)

    async def fetch(self, tenant: str, request: PageRequest) -> Page:
        """Load a page; as `Pages.fetch`."""
        check_page(request, self._settings)
        # The span `page_fetch` is made by the agent, around the load alone: what comes before has spans of its own.
        with _Account(self._emit) as account:
            self._check_policy(request.url)
            async with contextlib.AsyncExitStack() as stack:
                return await self._fetch_with_agent(tenant, request, account, stack)

    async def _fetch_with_agent(
        self, tenant: str, request: PageRequest, account: _Account, stack: contextlib.AsyncExitStack
    ) -> Page:
        wait = min(SESSION_WAIT_SECONDS, self._settings.acquire_timeout_seconds)
        opened = await open_session(stack, self._vault, tenant, request.session, wait)
        snapshot = opened.snapshot if opened else None
        borrowing = self._lender.acquire(wish_for(opened), stored=snapshot is not None)
        lease = await stack.enter_async_context(borrowing)
        account.begin()
        problem = await restore(lease, snapshot, self._emit) if snapshot else ""
        answer = await self._load(lease, request)
        if opened is not None:
            # Also after a failure: cookies may have come with it.
            problem = await finish(lease, opened, problem)
        if isinstance(answer, PageFailedError):
            raise answer
        account.outcome = answer.outcome
        return _page(answer, lease.how, problem)

    async def _load(self, lease: Lease, request: PageRequest) -> Fetched | PageFailedError:
        seconds = request.timeout_seconds or self._settings.fetch_timeout_seconds
        command = Fetch(
            url=request.url,
            format=request.format,
            wait_until=request.wait_until,
            timeout_seconds=seconds,
            max_bytes=self._settings.fetch_max_mb * MEBIBYTE,
        )
        try:
            fetched = await lease.ask(command, Fetched, seconds + _HUNG_MARGIN)
        except CommandFailedError as error:
            return PageFailedError(str(error), error.reason if error.reason in semantics.FETCH_OUTCOMES else "error")
        if fetched.outcome not in _PAGES:
            return PageFailedError(f"the page was not loaded: {fetched.outcome}", fetched.outcome)
        return fetched

    def _check_policy(self, url: str) -> None:
        rule = self._policy.check_url(url)
        if rule is None:
            return
        self._emit(PolicyBlocked(rule=rule, **span_ids()))
        raise PageFailedError(f"blocked by the policy of the service ({rule}); see {PREFIX}EGRESS_ALLOW", "blocked")


class _Account:
    """One fetch in the metrics: begun and ended once each, whatever happens.

    Attributes:
        outcome: from `semantics.FETCH_OUTCOMES`.
    """

    def __init__(self, emit: Emit) -> None:
        self.outcome = "error"
        self._emit = emit
        self._begun = False
        self._since = time.monotonic()

    def begin(self) -> None:
        """An agent works on it."""
        self._begun = True
        self._emit(PageFetchStarted(**span_ids()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, PageFailedError):
            self.outcome = error.outcome
        elif isinstance(error, asyncio.CancelledError):
            self.outcome = "cancelled"
        if not self._begun:
            # Or the gauge of those that work would sink below zero.
            self.begin()
        self._emit(PageFetched(outcome=self.outcome, seconds=time.monotonic() - self._since, **span_ids()))


def _page(fetched: Fetched, acquired: str, problem: str) -> Page:
    content = fetched.text.encode() if fetched.text is not None else base64.b64decode(fetched.data or "")
    return Page(
        url=fetched.url,
        outcome=fetched.outcome,
        status=fetched.status,
        title=fetched.title,
        media_type=fetched.media_type,
        content=content,
        redirects=fetched.redirects,
        ttfb_seconds=fetched.ttfb_seconds,
        dom_content_loaded_seconds=fetched.dom_content_loaded_seconds,
        load_seconds=fetched.load_seconds,
        seconds=fetched.seconds,
        acquired=acquired,
        trace_id=trace_id(),
        session_problem=problem,
    )
