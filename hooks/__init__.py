"""A webhook receiver and event router for home-service businesses.

The journey of every webhook, in the order of the modules of ``hooks.pipeline``:
receive, verify, normalize, record, match, dispatch, deliver.
"""

__version__ = "0.1.0"
