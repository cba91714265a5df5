"""flask-smorest, with what it gets wrong put right (reference: api-and-webhooks, section 5).

Errors are documented as the problem+json they are sent as, an address has the format `uri`, unknown
query parameters are refused, and a body that breaks the JSON reader is the caller's fault.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar

import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Request, Response, request
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from webargs.flaskparser import FlaskParser

from api import problems
from api.fields import StrictSchema
from api.gate import scope_of
from service.errors import FieldError, InvalidRequest

View = TypeVar("View", bound=Callable[..., Any])
_HALF = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


class FieldProblem(ma.Schema):
    pointer = ma.fields.String(
        required=True, metadata={"description": "A JSON pointer, such as #/variants/1/label."}
    )
    detail = ma.fields.String(required=True)


class Problem(ma.Schema):
    """An error (RFC 9457)."""

    type = ma.fields.String(required=True, metadata={"format": "uri"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    code = ma.fields.String(
        required=True, metadata={"description": "Stable; see /docs/errors for all of them."}
    )
    hint = ma.fields.String(metadata={"description": "What to do about it."})
    retryable = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the same request may succeed later."}
    )
    request_id = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(FieldProblem))


class OpenConverter(OpenAPIConverter):
    """Requests take no field they do not know; answers and events may grow new ones (api.md)."""

    def schema2jsonschema(self, schema: ma.Schema) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        if not isinstance(schema, StrictSchema):
            described.pop("additionalProperties", None)
        one_of = getattr(schema.Meta, "one_of", ())
        if one_of:
            # Not as `oneOf`: generators of clients make a union of nameless models from it.
            described["not"] = {"anyOf": [_none_of(one_of), {"required": list(one_of)}]}
        return described


class SchemaPlugin(MarshmallowPlugin):
    """Turns schemas into those of the document."""

    Converter = OpenConverter


class ProblemApi(Api):  # type: ignore[misc]
    """An `Api` that documents problems; `api.problems` answers them."""

    ERROR_SCHEMA = Problem

    @cached_property
    def text(self) -> str:
        """The document, written once a process: it needs no key, so it must cost little."""
        document = self.spec.to_dict()
        for operations in document["paths"].values():
            for operation in operations.values():
                if "summary" in operation:  # unlike a description it is no Markdown
                    operation["summary"] = operation["summary"].replace("`", "")
        return json.dumps(document, ensure_ascii=False)

    def _openapi_json(self) -> Response:
        response = Response(self.text, content_type="application/json")
        response.add_etag()
        response.make_conditional(request)
        return response

    def _register_error_handlers(self) -> None:
        """Leave errors to `register_problems`: the stock handler drops headers such as Allow."""

    def _register_responses(self) -> None:
        for name, phrase in [(each.name, each.phrase) for each in http.HTTPStatus] + [
            ("DEFAULT_ERROR", "A problem.")
        ]:
            response: dict[str, Any] = {"description": phrase, "schema": Problem}
            prepare_response(response, self.spec, problems.CONTENT_TYPE)
            self.spec.components.response(name, response, lazy=True)


class Parser(FlaskParser):
    """Reads arguments; every location refuses what it does not know."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012  the parent's form
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        raw = req.get_data(cache=True)
        if not raw:
            raise problems.MalformedRequest("There is no body.")
        try:
            value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant)
            if b"\\ud" in raw or b"\\uD" in raw:  # only then may a lone surrogate have come in
                _refuse_halves(value)
        except RecursionError:
            raise problems.MalformedRequest("The body is nested too deeply.") from None
        except UnicodeDecodeError:
            raise problems.MalformedRequest("The body is not UTF-8.") from None
        except ValueError as error:
            raise problems.MalformedRequest(f"The body is not JSON: {error}.") from None
        return value


class Routes(Blueprint):  # type: ignore[misc]
    """A blueprint whose arguments are read by our parser; operations are called by their views."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [_add_parameters, self._prepare_scope_doc]

    def _prepare_scope_doc(
        self, doc: dict[str, Any], _info: Any, *, method: str, **_more: Any
    ) -> dict[str, Any]:
        """Name the scope that the gate will ask for."""
        return {**doc, "security": [{"key": [str(scope_of(self.name, method))]}]}

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view under its own name, which generated clients take for the operation's."""
        register = super().route(rule, **options)

        def named(view: View) -> View:
            made: View = register(self.doc(operationId=view.__name__)(view))
            return made

        return named


def _none_of(names: Sequence[str]) -> dict[str, Any]:
    return {"not": {"anyOf": [{"required": [name]} for name in names]}}


def _add_parameters(
    doc: dict[str, Any], doc_info: dict[str, Any], **_context: Any
) -> dict[str, Any]:
    """Put the parameters of `doc` beside those of `arguments`; the stock class drops the latter."""
    own = doc_info.get("manual_doc", {}).pop("parameters", [])
    if own:
        doc["parameters"] = [*doc.get("parameters", []), *own]
    return doc


def _refuse_halves(value: Any) -> None:
    """Refuse lone surrogates, which no UTF-8 can hold, and name the fields that have them."""
    # no more than are told: a body may have 100,000, each below names of 50,000 characters
    errors = [
        FieldError(f"#{pointer}", "holds half of a character (a lone surrogate)")
        for pointer in islice(_find_halves(value, ""), problems.NAMED_ERRORS)
    ]
    if errors:
        raise InvalidRequest("The request is not valid.", errors)


def _find_halves(value: Any, pointer: str) -> Iterator[str]:
    if isinstance(value, str):
        if _HALF.search(value):
            yield pointer
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _find_halves(each, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, each in value.items():
            below = f"{pointer}/{problems.escape(_HALF.sub(REPLACEMENT, name))}"
            if _HALF.search(name):
                yield below
            yield from _find_halves(each, below)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")
