"""Spans through OpenTelemetry (the extra `otel`); imported only where a collector is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.errors import CaptionAbError
from service.tracing import Note, SpanKind, Value

_KINDS = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
}
_EXPORT_S = 5
_HEADER = "traceparent"
_propagator = TraceContextTextMapPropagator()


class OtelTracer:
    """A tracer whose spans go to one processor; nothing global is touched."""

    def __init__(self, processor: SpanProcessor, role: str) -> None:
        resource = Resource.create({"service.name": f"caption-ab-{role}"})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("caption-ab")

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, parent: str, attributes: Mapping[str, Value]
    ) -> Iterator[Note]:
        context = _propagator.extract({_HEADER: parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=_KINDS[kind],
            attributes=attributes,
            record_exception=False,  # the texts of foreign errors may hold addresses
            set_status_on_exception=False,
        ) as current:
            try:
                yield current.set_attribute
            except Exception as error:
                code = error.code if isinstance(error, CaptionAbError) else type(error).__name__
                current.set_attribute("error.type", code)
                current.set_status(trace.StatusCode.ERROR)
                raise

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get(_HEADER, "")

    def close(self) -> None:
        self._provider.shutdown()


def open_tracer(url: str, role: str) -> OtelTracer:
    """A tracer that sends to a collector by OTLP over HTTP, in batches, from a thread.

    The SDK's own `OTEL_*` variables tune it: sampling, batch sizes, resource attributes.
    """
    exporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_S)
    return OtelTracer(BatchSpanProcessor(exporter), role)
