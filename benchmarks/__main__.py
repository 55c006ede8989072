"""All measurements, one after the other: ``python -m benchmarks`` or ``make bench``.

One of them by its name, with what is for it: ``python -m benchmarks stores --rounds 1``.
"""

from __future__ import annotations

import sys

from benchmarks import ingest, rules, stores, year

ALL = {
    "ingest": ingest.main,
    "rules": lambda: rules.main(sys.argv[1:]),
    "stores": stores.main,
    "year": year.main,
}

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ALL:
        ALL[sys.argv.pop(1)]()
    else:
        for measurement in ALL.values():
            measurement()
