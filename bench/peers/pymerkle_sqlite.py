"""pymerkle's SqliteTree as it comes, in a process of its own: called by bench/ledger.py, which installs it.

    PYTHONPATH=FOLDER python bench/peers/pymerkle_sqlite.py receipts FILE COUNT BATCH
    PYTHONPATH=FOLDER python bench/peers/pymerkle_sqlite.py proofs FILE SIZE COUNT

Writes one JSON object. Nothing is signed here, and nobody waits: one caller calls the tree itself.
"""

import json
import os
import random
import sys
import time

from pymerkle import SqliteTree

ENTRY = 80


def receipts(path: str, count: int, batch: int) -> dict[str, float]:
    """Entries a second, appended `batch` at a time (a transaction each), alone and with a proof for each entry."""
    rates = {}
    for name, proving in (("append", False), ("receipt", True)):
        with SqliteTree(f"{path}-{name}") as tree:
            entries = [os.urandom(ENTRY) for _ in range(count)]
            begun = time.perf_counter()
            for at in range(0, count, batch):
                group = entries[at : at + batch]
                last = tree.append_entries(group) if batch > 1 else tree.append_entry(*group)
                if proving:
                    tree.get_state()
                    for index in range(last - batch + 1, last + 1):
                        tree.prove_inclusion(index)
            rates[name] = count / (time.perf_counter() - begun)
    return rates


def proofs(path: str, size: int, count: int) -> dict[str, float]:
    """Median milliseconds of a proof in a tree of `size`, its first root, and what the process takes."""
    draw = random.Random(1)
    with SqliteTree(path) as tree:
        tree.append_entries(draw.randbytes(ENTRY) for _ in range(size))
        begun = time.perf_counter()
        tree.get_state()
        root = time.perf_counter() - begun
        times = []
        for _ in range(count):
            begun = time.perf_counter()
            tree.prove_inclusion(draw.randrange(1, size + 1))
            times.append(time.perf_counter() - begun)
    return {"root_ms": root * 1000, "proof_ms": sorted(times)[count // 2] * 1000}


if __name__ == "__main__":
    what = {"receipts": receipts, "proofs": proofs}[sys.argv[1]]
    json.dump(what(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])), sys.stdout)
