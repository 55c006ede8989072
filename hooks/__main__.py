"""The `hooks` command. Asks for the version are answered before anything else is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from hooks import __version__

        print(f"hooks {__version__}")
        return
    from hooks.cli.tree import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
