"""The agent process: `python -m browserwatch.agents.process`. Takes commands, owns one Chromium, runs browser-use."""
