"""All measurements, one after the other: ``python -m benchmarks`` or ``make bench``."""

from __future__ import annotations

from benchmarks import ingest, rules

if __name__ == "__main__":
    ingest.main()
    rules.main([])
