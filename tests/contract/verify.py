"""Webhooks by the independent verifiers of PyPI: `python verify.py MESSAGES`.

Run by tests/contract/run.py in a venv without this project. MESSAGES is a JSON list of {what,
secret, headers, body (base64), fits}; what fits must be accepted and all else refused.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import standardwebhooks
import svix


def accepts(verifier: type, message: dict) -> bool:
    try:
        verifier(message["secret"]).verify(base64.b64decode(message["body"]), message["headers"])
    except Exception:  # noqa: BLE001  both raise more than their own error
        return False
    return True


def main(messages: list[dict]) -> int:
    wrong = 0
    for verifier in (standardwebhooks.Webhook, svix.Webhook):
        found = [each for each in messages if accepts(verifier, each) != each["fits"]]
        name = verifier.__module__.partition(".")[0]
        print(f"PyPI {name}: {len(messages)} messages, {len(found)} judged wrongly")
        for each in found:
            print("  ", each["what"], each["headers"])
        wrong += len(found)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text())))
