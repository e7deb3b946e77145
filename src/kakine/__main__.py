"""`kakine …`."""

from __future__ import annotations

import sys

from kakine.cli.root import app
from kakine.values.problems import Problem


def main() -> None:
    """Run the command line. A refusal is one line on stderr, its code first, and exit status 1."""
    try:
        app()
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
