"""`kakine …`."""

from __future__ import annotations

import sys

from kakine.values.problems import Problem, SystemRefused

_OPERATING = ("backup", "backup-key", "renew", "restore")
"""`kakine.cli.operating`."""


def main() -> None:
    """Run the command line. A refusal, the system's too, is one line on stderr, its code first, and exit status 1."""
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
        _refused(problem)
    except OSError as fault:
        _refused(SystemRefused(file=str(fault.filename or ""), reason=fault.strerror or str(fault)))


def _refused(problem: Problem) -> None:
    print(problem, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
