"""`python -m transfer_lint` is `transfer-lint`."""

from transfer_lint.cli import main

if __name__ == "__main__":
    main()
