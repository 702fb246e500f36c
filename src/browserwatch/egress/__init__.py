"""Where agents may go: a policy, and a forward proxy that every agent's Chromium must use, which enforces it."""

from browserwatch.egress.flags import chromium_flags
from browserwatch.egress.policy import EgressPolicy
from browserwatch.egress.proxy import EgressProxy
from browserwatch.egress.threaded import ThreadedEgressProxy

__all__ = ["EgressPolicy", "EgressProxy", "ThreadedEgressProxy", "chromium_flags"]
