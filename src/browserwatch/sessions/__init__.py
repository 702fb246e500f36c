"""Logins that outlive agents: snapshots of browser state, encrypted, in Redis, with one writer at a time."""
