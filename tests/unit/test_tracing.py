"""Spans of a job: off by default, and one tree across processes when on."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service import tracing
from service.errors import NotFound
from service.otel import OtelTracer
from service.settings import Settings
from service.tracing import SpanKind, current_traceparent, span, trace_headers
from tests.conftest import ROOT


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    tracing.install(OtelTracer(SimpleSpanProcessor(exporter), "test"))
    yield exporter
    tracing.stop_tracing()


class TestOff:
    def test_a_span_is_nothing_and_carries_nothing(self):
        tracing.start_tracing(Settings(), "test")
        with span("step", row="cut:job_1.0.A.1") as note:
            note("status", 200)
            assert current_traceparent() == ""
            assert trace_headers() == {}

    def test_neither_library_is_imported(self):
        # Given the API, the workers' task and all that they are made of
        code = (
            "import sys, api.app, service.wiring, service.jobs.advance, workers.tasks\n"
            "print(sorted({'opentelemetry.exporter', 'prometheus_client',"
            " 'service.otel', 'service.exposition'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        # Then what counts and traces is not among the imports (redis-py imports what there
        # is of OpenTelemetry by itself)
        assert done.stdout.strip() == "[]", done.stderr


class TestOn:
    def test_a_span_in_another_process_hangs_below_the_request(self, spans):
        # Given a request whose traceparent was kept with its job
        with span("POST", SpanKind.SERVER):
            kept = current_traceparent()
            assert trace_headers() == {"traceparent": kept}
        # When a worker goes on with it
        with span("cut queued", parent=kept, row="cut:job_1.0.A.1"), span("backend session"):
            pass
        # Then all three are one trace, each below the one before
        request, call, step = sorted(spans.get_finished_spans(), key=lambda each: each.name)
        assert {each.context.trace_id for each in (call, step)} == {request.context.trace_id}
        assert step.parent.span_id == request.context.span_id
        assert call.parent.span_id == step.context.span_id
        assert step.attributes == {"row": "cut:job_1.0.A.1"}

    def test_an_error_is_told_by_its_code_and_never_by_its_text(self, spans):
        with pytest.raises(NotFound), span("step"):
            raise NotFound("https://you.example/?token=abc")
        [seen] = spans.get_finished_spans()
        assert seen.attributes == {"error.type": "not_found"}
        assert not seen.status.is_ok
        assert "you.example" not in seen.to_json()

    def test_a_traceparent_that_does_not_read_begins_a_trace(self, spans):
        with span("POST", parent="nonsense"):
            pass
        [seen] = spans.get_finished_spans()
        assert seen.parent is None
