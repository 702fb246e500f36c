"""A pool of agents: one child process each, with a Chromium and a profile of its own.

`state` and `decisions` are the rules, as pure functions; `pool` acts on them; `agent` is one child as the pool sees it;
`messages` is what they say to each other; `process` is the child, the only room of the service that runs browser-use.
"""
