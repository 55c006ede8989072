"""``python -m tests.simulation --seeds 2000``: many stories; ``--seed 17`` tells one of them again."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time

from tests.simulation.simulator import Options, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--seed", type=int, help="only this one")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + given.seeds)
    began = time.monotonic()
    bad = 0
    for seed in seeds:
        verdict = asyncio.run(simulate(seed))
        if not verdict.good or given.seed is not None:
            print(f"{Options.of(seed)}\n  {verdict}")
        if not verdict.good:
            bad += 1
            print(f"  again: python -m tests.simulation --seed {seed}")
    print(f"{len(seeds)} seeds, {bad} bad, {time.monotonic() - began:.0f} s, {sys.version.split()[0]}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
