"""The command line: one module per group of commands, joined in `hooks.cli.tree`.

Nothing heavy is imported before a command runs: the modules of this folder import typer and the settings at their
top, and the rest of the project inside the command that needs it. Answers go to standard output, everything else to
standard error; with ``--json`` standard output holds one JSON document and nothing more.
"""
