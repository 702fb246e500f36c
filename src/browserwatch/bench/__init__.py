"""What watching costs: `browserwatch bench`. Arms take turns inside one process, figures come with their uncertainty.

`toggling` has the turns, `arms` what is switched on and off, `estimates` the statistics. `workload` is the program that runs
browser-use without browser and model (package `canned`), `warm` the one that runs it in a warm Chromium; `hooks` and
`overhead` start them, beside a `receiver` that takes what they export.
"""
