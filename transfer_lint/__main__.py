"""The command `transfer-lint`, which is also `python -m transfer_lint`."""

import sys

from transfer_lint.stopping import Stopped, end, listen


def main() -> None:
    """Run the command line. Signals are listened to before anything else is imported, which takes a while."""
    try:
        listen()
        from transfer_lint import nothing

        if nothing.answers(sys.argv[1:]):
            return
        from transfer_lint.cli import main as run
    except Stopped as stop:
        end(stop)
    run()


if __name__ == "__main__":
    main()
