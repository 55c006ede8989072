"""The outside systems, one folder each: what it is called, how its webhooks are read, what can be done there.

A vendor knows `hooks.ports`, `hooks.kit` and the canonical objects, and neither the engine nor another vendor.
``hooks/registry.py`` lists them; the contract suite in ``tests/vendors`` is the to-do list of a new one.
"""
