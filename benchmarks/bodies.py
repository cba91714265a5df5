"""What does a body of many lists cost an API process, beside one of as many bytes of numbers?

    python -m benchmarks.bodies [--rounds 8]

Reads and refuses both, as a process does before and after it has told the collector to pass over
what lives as long as itself. Prints CPU milliseconds of each and the ratios. It has no goal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

from marshmallow import ValidationError

import api.app  # all that an API process has loaded
from api.schemas import JobRequest
from api.server import settle

_BODIES = {"numbers": ("0", 440_000), "lists": ("[]", 290_000)}


def measure(text: str, rounds: int) -> float:
    """CPU milliseconds of reading and refusing a body: the median."""
    return statistics.median(_took_ms(lambda: _refuse(text)) for _ in range(rounds))


def _took_ms(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def _refuse(text: str) -> None:
    try:
        JobRequest().load(json.loads(text))
    except ValidationError:
        return
    raise AssertionError("the body was taken")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    print(f"{api.app.__name__}: {len(sys.modules)} modules")
    texts = {
        kind: f'{{"clips":[{",".join([each] * count)}]}}' for kind, (each, count) in _BODIES.items()
    }
    for when, prepare in (("before", lambda: None), ("after", settle)):
        prepare()
        took = {kind: measure(text, rounds) for kind, text in texts.items()}
        ratio = took["lists"] / took["numbers"]
        told = ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in took.items())
        print(f"{when}: {told}; {ratio:.1f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
