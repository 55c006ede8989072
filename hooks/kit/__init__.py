"""All that a vendor's adapter may lean on: HTTP, signatures, bodies, fields, samples. None of it knows a vendor."""
