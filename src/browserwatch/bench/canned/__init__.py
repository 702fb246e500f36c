"""browser-use with its browser and its model taken out at the wire: all code above them is the real one.

The real agent, session, event bus, session manager, tools and model client run; the DevTools connection and the model's HTTP
connection answer from memory. A run makes as many calls at each hook as one on the demo site in real Chromium
(docs/performance.md). To be imported after browser-use's environment is set: it imports browser-use.
"""
