"""`python -m browserwatch` is `browserwatch`."""

from browserwatch.cli import main

if __name__ == "__main__":
    main()
