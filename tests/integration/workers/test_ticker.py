"""What a look at the due set has shown is told as of the time when it was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service import metrics
from service.clock import FakeClock
from service.exposition import PrometheusRecorder
from service.model.lifecycle import Queue
from service.settings import load_settings
from service.store.keys import Keys
from service.wiring import build_services
from workers.ticker import Ticker

HOUR_MS = 3_600_000


@pytest.fixture
def recorder():
    recorder = PrometheusRecorder()
    metrics.install(recorder)
    yield recorder
    metrics.install(None)


@pytest.fixture
def services(site, monkeypatch):
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)
    services = build_services(load_settings(), name="ticks", connections=1)
    return replace(services, clock=FakeClock(services.clock.now_ms()))


def looked_s(recorder: PrometheusRecorder) -> float | None:
    return recorder.registry.get_sample_value("caption_ab_look_age_seconds")


def test_a_look_is_stamped_one_that_fails_is_not_and_a_stop_takes_the_stamp_away(
    services, recorder, site
):
    # Given a ticker that has looked
    clock = services.clock
    ticker = Ticker(services, queue=Queue.HOOKS, name="t", free=lambda: 3)
    assert ticker.look()
    first_s = clock.monotonic_s()
    assert looked_s(recorder) == first_s > 0
    # When its time is refused, then the stamp stays that of the last look
    site.client.set(Keys().clock, clock.now_ms() + HOUR_MS)
    clock.advance(5)
    assert ticker.look() is None
    assert looked_s(recorder) == first_s
    # When it is stopped, as in a drain, then no stamp is left to grow old
    thread = ticker.start()
    ticker.stop()
    thread.join(10)
    assert looked_s(recorder) == 0
