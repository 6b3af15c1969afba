"""The OpenAPI file as the handlers use it: what a query or a body may hold, and its defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from jvs_jupyter.server.errors import RequestError, bad_input, invalid

LARGEST_BODY = 1 << 20
_WORDS = {"true": True, "1": True, "false": False, "0": False}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI file."""
    text = files("jvs_jupyter.server").joinpath("openapi.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def _operation(operation_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    for item in document()["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                return item, operation
    raise LookupError(operation_id)


@cache
def parameters(operation_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the parameters of an operation by place (``query``, ``path``, ``header``) and name."""
    item, operation = _operation(operation_id)
    every = [_followed(given) for given in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    return {(parameter["in"], parameter["name"]): parameter for parameter in every}


def read_query(operation_id: str, arguments: Mapping[str, list[bytes]]) -> dict[str, Any]:
    """Return the query parameters of an operation, with defaults. Raises RequestError (422)."""
    values: dict[str, Any] = {}
    for (place, name), parameter in parameters(operation_id).items():
        if place != "query":
            continue
        schema = parameter["schema"]
        if name in arguments and parameter["schema"].get("type") == "array":
            values[name] = [_typed(name, raw, schema["items"]) for raw in arguments[name]]
            _check(schema, values[name], name)
        elif name in arguments:
            values[name] = _typed(name, arguments[name][-1], schema)
            _check(schema, values[name], name)
        elif "default" in schema:
            values[name] = schema["default"]
        elif parameter.get("required"):
            raise invalid(f"{name} is missing")
        else:
            values[name] = None
    return values


def check_part(operation_id: str, place: str, name: str, value: str) -> None:
    """Hold a part of the address or a header against the file. Raises RequestError (422)."""
    _check(parameters(operation_id)[place, name]["schema"], value, name)


def read_body(operation_id: str, body: bytes, most: int = LARGEST_BODY) -> dict[str, Any]:
    """Return the JSON object that a request sent, with defaults. Raises RequestError (400, 413, 422)."""
    if len(body) > most:
        raise RequestError(413, "E_USAGE", f"a request has at most {most} bytes")
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise bad_input(f"the request is not JSON: {error}") from error
    _, operation = _operation(operation_id)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    _check(schema, value, "the request")
    _check_text(value)
    given = _followed(schema)["properties"]
    defaults = {
        name: _followed(field)["default"] for name, field in given.items() if "default" in _followed(field)
    }
    return {**dict.fromkeys(given), **defaults, **value}


def _typed(name: str, raw: bytes, schema: dict[str, Any]) -> Any:
    text = raw.decode("utf-8", "surrogateescape")
    match schema.get("type"):
        case "integer":
            if not re.fullmatch(r"-?[0-9]{1,18}", text):
                raise invalid(f"{name} is not a whole number")
            return int(text)
        case "boolean":
            if text not in _WORDS:
                raise invalid(f"{name} is neither true nor false")
            return _WORDS[text]
    return text


def _check(schema: dict[str, Any], value: Any, what: str) -> None:
    error = best_match(_validator(json.dumps(schema)).iter_errors(value))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or what
        raise invalid(f"{where}: {_short(error.message)}")


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": document()["components"]})


def _followed(value: dict[str, Any]) -> dict[str, Any]:
    found = value
    while "$ref" in found:
        target: Any = document()
        for part in found["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        found = target
    return found


def _check_text(value: Any) -> None:
    """Refuse text that no file name, and no UTF-8, can hold."""
    texts = (
        text
        for field in value.values()
        for text in (field if isinstance(field, list) else [field])
        if isinstance(text, str)
    )
    for text in texts:
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise invalid("the request holds half of a surrogate pair") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _short(message: str) -> str:
    return message if len(message) <= 300 else message[:299] + "…"
