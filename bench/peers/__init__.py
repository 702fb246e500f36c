"""What other instrumentations of browser-use cost, side by side with ours: `python -m bench.peers`. See README.md."""
