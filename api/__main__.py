"""`python -m api`: patch first, because what is imported before keeps blocking sockets."""

from __future__ import annotations

import sys

from gevent import monkey

monkey.patch_all()

from api.server import main  # noqa: E402  after the patch

sys.exit(main())
