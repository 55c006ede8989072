"""Measurements: ratios inside one run, each with the command that makes it. Not part of the tests."""
