"""`kakine …`."""

from __future__ import annotations

import sys

from kakine.values.problems import Problem

_OPERATING = ("backup", "backup-key", "renew", "restore")
"""`kakine.cli.operating`."""


def main() -> None:
    """Run the command line. A refusal is one line on stderr, its code first, and exit status 1."""
    try:
        if sys.argv[1:3] == ["serve", "party"]:
            # The process of one party loads that party alone, and so not the command line of all.
            from kakine.cli.serve_party import alone as app
        elif sys.argv[1:2] and sys.argv[1] in _OPERATING:
            from kakine.cli.operating import app
        else:
            from kakine.cli.root import app
        app()
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
