"""Events as they are kept, judged by the schemas that the OpenAPI document gives for webhooks."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import redis
from apispec import APISpec
from jsonschema import Draft202012Validator

from api.events import document_events
from api.openapi import SchemaPlugin


@cache
def webhook_document() -> dict[str, Any]:
    """The `webhooks` and `components` of the document."""
    spec = APISpec("events", "1", "3.1.0", plugins=[SchemaPlugin()])
    document_events(spec)
    return spec.to_dict()


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of an event type; raises KeyError for a type that is not documented."""
    document = webhook_document()
    body = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return {**body["schema"], "components": document["components"]}


def faults_of(event: dict[str, Any], kind: str = "") -> list[str]:
    """Where an event differs from the schema of its type, or of another one."""
    validator = Draft202012Validator(schema_of(kind or event["type"]))
    errors = validator.iter_errors(event)
    return [f"{event['type']} {each.json_path}: {each.message}" for each in errors]


def assert_documented(client: redis.Redis) -> None:
    """Every event in a store fits the schema of its type."""
    faults = []
    for key in client.scan_iter(match="*job:*:events"):
        for text in client.lrange(key, 0, -1):
            faults += faults_of(json.loads(text))
    assert not faults, "\n".join(faults)
