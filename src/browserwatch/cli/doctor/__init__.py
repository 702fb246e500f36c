"""`browserwatch doctor`: checks of this machine, each independent of the others, each with the fix for what it finds."""
