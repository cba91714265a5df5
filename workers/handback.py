"""How a prefork worker has its children give their leases back before it ends them.

All share two pipes. From the first each child reads one byte, in a thread of its own, whatever its
work does meanwhile. Into the second it writes a byte for each lease it gave back, and closes it.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

_MOST_CHILDREN = 1024


class Handback:
    """Made before the fork; then each side uses its own half of it, once."""

    def __init__(self) -> None:
        self._heard, self._ask = os.pipe()
        self._told, self._tell = os.pipe()

    def listen(self, give_back: Callable[[], int]) -> None:
        """In a child: call `give_back` when the parent asks; it answers how many leases it was."""
        os.close(self._ask)
        os.close(self._told)
        threading.Thread(target=self._wait, args=(give_back,), name="handback", daemon=True).start()

    def _wait(self, give_back: Callable[[], int]) -> None:
        os.read(self._heard, 1)
        os.write(self._tell, bytes(give_back()))
        os.close(self._tell)

    def ask(self, within_s: float) -> int:
        """In the parent: have all children give back; how many leases it was, by then."""
        os.write(self._ask, bytes(_MOST_CHILDREN))
        os.close(self._tell)
        released, until_s = 0, time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            if not select.select([self._told], [], [], left_s)[0]:
                break
            told = os.read(self._told, 4096)
            if not told:  # the last child has closed its end
                break
            released += len(told)
        return released
