"""A pool of agents: one child process each, with a Chromium and a profile of its own.

`lending` is what borrowers see. `state` and `decisions` are the rules, as pure functions; `pool` asks them at each change,
and `fleet` does what they say. `agent` is one child as the pool sees it, `channel` the talk with it in `messages`,
`launching` its start; `directories` and `orphans` see to it that nothing is left. `process` is the child, the only room
that runs browser-use.
"""
