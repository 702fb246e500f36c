"""Runs and page fetches: taken, queued, given to agents with their sessions, recorded."""
