"""Blocking calls of a gevent process, in gevent's pool of real threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gevent

T = TypeVar("T")


def run_in_thread(work: Callable[[], T], /) -> T:
    """Run a call in a real thread while other greenlets go on; its errors are raised here.

    Errors come back as values: the pool itself would print each one's traceback.
    """
    value, error = gevent.get_hub().threadpool.apply(_caught, (work,))
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


def _caught(work: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001  raised again where it was asked for
        return None, error
