"""Where agents may go: a policy, and a forward proxy that every agent's Chromium must use, which enforces it."""
