"""The OpenAPI document as a Postman collection (schema v2.1), for those who work with Postman."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_METHODS = ("get", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"\{(\w+)\}")
_DEPTH = 8


def to_postman(document: Mapping[str, Any]) -> dict[str, Any]:
    """A collection with a folder for each tag; `baseUrl` and `key` are its variables. Pure."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or ["other"])[0]
                made = _request(document, path, method, operation, shared)
                folders.setdefault(tag, []).append(made)
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"].get("description", ""),
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [_pair("token", "{{key}}")]},
        "variable": [
            _pair("baseUrl", document["servers"][0]["url"]),
            _pair("key", "cab_live_..."),
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def _request(
    document: Mapping[str, Any],
    path: str,
    method: str,
    operation: Mapping[str, Any],
    shared: list[Any],
) -> dict[str, Any]:
    parameters = [_resolve(document, each) for each in [*shared, *operation.get("parameters", [])]]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": [_parameter(each) for each in parameters if each["in"] == "header"],
        "url": _url(path, parameters),
    }
    body = _body(document, operation.get("requestBody"))
    if body:
        kind, request["body"] = body
        if kind:
            request["header"].append({"key": "Content-Type", "value": kind})
    return {
        "name": operation.get("summary") or operation.get("operationId", path),
        "request": request,
    }


def _url(path: str, parameters: list[Mapping[str, Any]]) -> dict[str, Any]:
    plain = _PARAMETER.sub(r":\1", path)
    query = [_parameter(each) for each in parameters if each["in"] == "query"]
    url: dict[str, Any] = {
        "raw": "{{baseUrl}}" + plain,
        "host": ["{{baseUrl}}"],
        "path": plain.strip("/").split("/"),
        "variable": [_pair(name, "") for name in _PARAMETER.findall(path)],
    }
    if query:
        url["query"] = query
    return url


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    value = schema.get("example", schema.get("default", ""))
    return {
        "key": parameter["name"],
        "value": value if isinstance(value, str) else json.dumps(value),
        "description": parameter.get("description", ""),
        "disabled": not parameter.get("required", False),
    }


def _body(
    document: Mapping[str, Any], body: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]] | None:
    if not body:
        return None
    content = body["content"]
    if "application/json" not in content:
        return "application/octet-stream", {"mode": "file", "file": {"src": ""}}
    example = _example(document, content["application/json"]["schema"], _DEPTH)
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return "application/json", {"mode": "raw", "raw": text}


def _example(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Any:
    """What a schema's examples and required fields make up; a first try, to be edited."""
    schema = _resolve(document, schema)
    if "example" in schema:
        return schema["example"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" and depth:
        return dict(_fields(document, schema, depth - 1))
    if kind == "array":
        return []
    return {"integer": 0, "number": 0, "boolean": False}.get(str(kind), "")


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any], depth: int
) -> Iterator[tuple[str, Any]]:
    required = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        if name in required or "example" in _resolve(document, each):
            yield name, _example(document, each, depth)


def _resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref` within the document; what stands beside it is kept."""
    if "$ref" not in node:
        return node
    found: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**_resolve(document, found), **{k: v for k, v in node.items() if k != "$ref"}}


def _pair(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}
