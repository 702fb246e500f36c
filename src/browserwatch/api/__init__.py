"""The service by HTTP: runs, pages, sessions, metrics, health."""
