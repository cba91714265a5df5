"""What the browser of a viewer sends: with a publishable key, from the page of a shop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from cli.client import Problem

#: Where the page is that the simulated viewers look at.
ORIGIN = "https://shop.example"
_TIMEOUT_S = 20.0


class Browsers:
    """Viewers of one experiment; `key` is a publishable one, which anybody may know.

    Both methods raise Problem when the API refuses or cannot be reached.
    """

    def __init__(self, url: str, job_id: str, key: str) -> None:
        self._job = f"{url}/v1/jobs/{job_id}"
        self._query = {"key": key}
        self._session = requests.Session()
        self._session.trust_env = False  # the API is here, and no viewer has a password for it
        self._session.headers["Origin"] = ORIGIN

    def assign(self, unit_id: str) -> dict[str, Any]:
        """Which variant a viewer sees, with the token that outcomes of this viewer need."""
        return self._call("GET", "assignment", params={**self._query, "unit_id": unit_id})

    def beacon(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What `navigator.sendBeacon` sends of a text: no preflight is asked for it."""
        body = json.dumps({"outcomes": list(items)}).encode()
        plain = {"Content-Type": "text/plain;charset=UTF-8"}
        return self._call("POST", "outcomes", params=self._query, data=body, headers=plain)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            reply = self._session.request(
                method, f"{self._job}/{path}", timeout=_TIMEOUT_S, **options
            )
            body: dict[str, Any] = reply.json()
        except (requests.RequestException, ValueError) as error:
            raise Problem(
                {"detail": f"{path} was not answered ({type(error).__name__})."}
            ) from None
        if reply.status_code >= 400:
            raise Problem(body, reply.status_code)
        return body
