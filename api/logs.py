"""gunicorn's own words as JSON lines among ours; it writes no access log, `api.watch` does."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger


class JsonLogger(Logger):  # type: ignore[misc]
    """Hands everything to the root logger, which `service.logs` has set up."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel])
