"""All that a vendor's adapter may lean on: HTTP, signatures, bodies, fields, samples. None of it knows a vendor."""

import sys

# httpx imports its own command line when it finds it, and with it click, rich and pygments: a twentieth of a start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
