"""The catalogue, its three verbs, and what a scrape of one process shows."""

from __future__ import annotations

import re
import socket
from time import monotonic

import pytest
from prometheus_client import generate_latest

from service import metrics
from service.clock import FakeClock
from service.exposition import LOOK_HOLDS_S, Outlet, PrometheusRecorder
from service.metric_files import KeptFolder
from service.metrics import CATALOGUE, Kind


@pytest.fixture
def recorder():
    recorder = PrometheusRecorder()
    metrics.install(recorder)
    yield recorder
    metrics.install(None)


def value(recorder: PrometheusRecorder, name: str, **labels: str) -> float | None:
    return recorder.registry.get_sample_value(name, labels)


class TestCatalogue:
    def test_names_are_ours_and_say_their_unit(self):
        for each in CATALOGUE:
            assert re.fullmatch(r"caption_ab_[a-z_]+", each.name)
            assert each.name.endswith("_total") == (each.kind is Kind.COUNTER), each.name
            assert each.name.endswith("_seconds") or each.kind is not Kind.HISTOGRAM
            assert bool(each.buckets) == (each.kind is Kind.HISTOGRAM)
        assert len({each.name for each in CATALOGUE}) == len(CATALOGUE) > 15

    def test_labels_are_few_and_never_a_tenant_or_a_job(self):
        known = {"method", "route", "status", "kind", "state", "code", "queue", "call"}
        known |= {"charged", "outcome", "reason"}
        assert {label for each in CATALOGUE for label in each.labels} == known

    def test_registry_has_what_the_catalogue_says(self, recorder):
        found = {f"{m.name}_total" if m.type == "counter" else m.name: m.type
                 for m in recorder.registry.collect()}  # fmt: skip
        assert found == {each.name: each.kind for each in CATALOGUE}


class TestVerbs:
    def test_nothing_happens_without_a_recorder(self):
        metrics.install(None)
        metrics.count(metrics.TICKS)
        metrics.put(metrics.DUE_LATE, 1.0, queue="flow")
        metrics.observe(metrics.DELIVERY_SECONDS, 1.0, outcome="failed")

    def test_counters_gauges_and_histograms_hold_what_they_are_told(self, recorder):
        metrics.count(metrics.TICK_FAILURES, code="internal")
        metrics.count(metrics.TICK_FAILURES, code="internal")
        metrics.put(metrics.DUE_LATE, 2.5, queue="flow")
        metrics.observe(metrics.DELIVERY_SECONDS, 0.2, outcome="delivered")
        assert value(recorder, "caption_ab_tick_failures_total", code="internal") == 2
        assert value(recorder, "caption_ab_due_late_seconds", queue="flow") == 2.5
        name = "caption_ab_delivery_seconds_bucket"
        assert value(recorder, name, outcome="delivered", le="0.1") == 0
        assert value(recorder, name, outcome="delivered", le="0.3") == 1

    def test_a_block_is_timed_and_counted_also_when_it_fails(self, recorder):
        # Given a block of three seconds that ends in an error
        clock = FakeClock()
        labels = {"kind": "cut", "state": "queued"}

        def fail() -> None:
            with (
                metrics.timed(metrics.STEP_SECONDS, clock, **labels),
                metrics.under_way(metrics.STREAMS_OPEN),
            ):
                assert value(recorder, "caption_ab_streams_open") == 1
                clock.advance(3)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        # Then its time is there, and nothing is under way
        assert value(recorder, "caption_ab_step_seconds_sum", **labels) == 3
        assert value(recorder, "caption_ab_streams_open") == 0

    @pytest.mark.parametrize(("charge", "said"), [(50, "yes"), (0, "no"), (None, "unknown")])
    def test_an_edit_is_booked_by_whether_it_was_charged(self, recorder, charge, said):
        metrics.count_charge(charge)
        assert value(recorder, "caption_ab_edits_booked_total", charged=said) == 1
        assert value(recorder, "caption_ab_credits_charged_total") == (charge or 0)


class TestParts:
    """A process of several interpreters: their files, added up by whoever is asked."""

    @pytest.fixture
    def outlet(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        with socket.socket(socket.AF_UNIX) as listener:
            yield Outlet(listener, KeptFolder(tmp_path))
            Outlet(listener).install()
        metrics.install(None)

    def scraped(self, outlet) -> str:
        return generate_latest(outlet.registry(PrometheusRecorder())).decode()

    def test_numbers_of_all_parts_are_added_up(self, outlet):
        # Given two children that have each ended a job and hold a row, and a parent that ticks
        for part in ("child0", "child1"):
            metrics.install(outlet.install(lambda part=part: part))
            metrics.count(metrics.JOBS_ENDED, status="succeeded")
            metrics.count(metrics.LEASES_HELD)
        metrics.install(outlet.install(lambda: "parent"))
        metrics.put(metrics.QUEUE_ROOM, 7, queue="media")
        metrics.put(metrics.LOOK_AGE, monotonic())
        # When one is asked, then it tells of all
        text = self.scraped(outlet)
        assert 'caption_ab_jobs_ended_total{status="succeeded"} 2.0' in text
        assert "caption_ab_leases_held 2.0" in text
        assert 'caption_ab_queue_room{queue="media"} 7.0' in text

    def test_a_successor_goes_on_with_the_numbers_of_its_place(self, outlet, tmp_path):
        for _ in range(2):
            metrics.install(outlet.install(lambda: "child0"))
            metrics.count(metrics.JOBS_ENDED, status="failed")
        assert 'caption_ab_jobs_ended_total{status="failed"} 2.0' in self.scraped(outlet)
        assert len(list(tmp_path.glob("counter_*.db"))) == 1

    def test_what_a_dead_worker_had_under_way_is_forgotten(self, outlet):
        metrics.install(outlet.install(lambda: 4711))
        metrics.count(metrics.STREAMS_OPEN)
        metrics.count(metrics.TICKS)
        outlet.forget(4711)
        text = self.scraped(outlet)
        assert "caption_ab_streams_open 1" not in text
        assert "caption_ab_ticks_total 1.0" in text


class TestAge:
    """What the last look at the due set has shown is told with its age, and not for ever."""

    NOW_S = 5000.0

    @pytest.fixture(params=["in memory", "in files"])
    def outlet(self, request, tmp_path, monkeypatch):
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        folder = KeptFolder(tmp_path) if request.param == "in files" else None
        with socket.socket(socket.AF_UNIX) as listener:
            yield Outlet(listener, folder, monotonic_s=lambda: self.NOW_S)
            Outlet(listener).install()
        metrics.install(None)

    def scraped(self, outlet, looked_s: float | None) -> str:
        recorder = outlet.install(lambda: "parent")
        metrics.install(recorder)
        metrics.put(metrics.QUEUE_ROOM, 7, queue="media")
        metrics.count(metrics.TICKS)
        if looked_s is not None:
            metrics.put(metrics.LOOK_AGE, looked_s)
        return generate_latest(outlet.registry(recorder)).decode()

    def test_a_fresh_look_is_told_with_its_age(self, outlet):
        text = self.scraped(outlet, self.NOW_S - 12)
        assert "\ncaption_ab_look_age_seconds 12.0\n" in text
        assert 'caption_ab_queue_room{queue="media"} 7.0' in text

    def test_of_an_old_look_its_age_alone_is_told(self, outlet):
        # Given a ticker that has stood for longer than a look holds
        text = self.scraped(outlet, self.NOW_S - LOOK_HOLDS_S - 1)
        # Then no gauge repeats what it saw, the age goes on, and counters are as ever
        assert f"\ncaption_ab_look_age_seconds {LOOK_HOLDS_S + 1}\n" in text
        assert "caption_ab_queue_room{" not in text
        assert "caption_ab_ticks_total 1.0" in text

    @pytest.mark.parametrize("looked_s", [None, 0.0])
    def test_a_process_that_looks_no_more_or_never_did_has_no_age(self, outlet, looked_s):
        text = self.scraped(outlet, looked_s)
        assert "\ncaption_ab_look_age_seconds" not in text
        assert "caption_ab_queue_room{" not in text
