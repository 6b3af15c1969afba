"""Annotations in the words of ``pydantic_core``: the schema of a type, of a field, of a class."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from jvs_core.validated.field import REQUIRED, AfterValidator, Config, FieldInfo

Schema = dict[str, Any]
# Returns the schema of a class that is the type of a field.
Nested = Callable[[type[Any]], Schema]
_PLAIN = {str: "str", int: "int", bool: "bool", float: "float", Any: "any"}
_AROUND = ("nullable", "function-after")
_STRICT = {"strict"}
_SIZED = {"min_length", "max_length", "strict"}
_RULES = {
    "str": {*_SIZED, "pattern"},
    "int": {"ge", "gt", "le", "lt", "strict"},
    "float": {"ge", "gt", "le", "lt", "strict", "allow_inf_nan"},
    **dict.fromkeys(("list", "tuple", "dict"), _SIZED),
}


def of_model(model: type[Any], nested: Nested) -> Schema:
    """Return the schema of a class."""
    checks = _checks(model)
    fields = {
        name: _of_field(field, model, checks.get(name), nested) for name, field in model.model_fields.items()
    }
    made: Schema = {
        "type": "model",
        "cls": model,
        "config": {"title": model.__name__, **_configured(model.model_config)},
        "schema": {"type": "model-fields", "fields": fields, "model_name": model.__name__},
    }
    whole = checks.get("")
    return made if whole is None else _after(made, getattr(model, whole))


def _configured(config: Config) -> Schema:
    made: Schema = {}
    if "extra" in config:
        made["extra_fields_behavior"] = config["extra"]
    if config.get("strict"):
        made["strict"] = True
    if config.get("populate_by_name"):
        made |= {"validate_by_alias": True, "validate_by_name": True}
    if config.get("serialize_by_alias"):
        made["serialize_by_alias"] = True
    return made


def _checks(model: type[Any]) -> dict[str, str]:
    """Return the names of the methods that check, by field; that of the whole value under ``""``."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        for name, value in vars(base).items():
            if type(value).__module__.startswith("pydantic."):
                raise TypeError(f"{model.__name__}.{name} is pydantic's, which is not heeded here")
            field = getattr(getattr(value, "__func__", value), "checks", None)
            if not isinstance(field, str):
                continue
            if found.setdefault(field, name) != name:
                raise TypeError(
                    f"{model.__name__} has two checks of {field or 'the whole'}: {found[field]}, {name}"
                )
            if field and field not in model.model_fields:
                raise TypeError(f"{model.__name__}.{name} checks {field}, which is no field")
    return found


def _of_field(field: FieldInfo, model: type[Any], check: str | None, nested: Nested) -> Schema:
    schema = _of_annotated(field.annotation, (*field.metadata, field), nested)
    if check is not None:
        schema = _after(schema, getattr(model, check))
    if field.default_factory is not None:
        schema = {"type": "default", "schema": schema, "default_factory": field.default_factory}
    elif field.default is not REQUIRED:
        schema = {"type": "default", "schema": schema, "default": field.default}
        if type(field.default).__module__.startswith("pydantic."):
            raise TypeError(f"{model.__name__} has a field of pydantic's, which is not heeded here")
        if field.default.__hash__ is None:
            schema["copy_default"] = True
    made: Schema = {"type": "model-field", "schema": schema}
    if field.key is not None:
        made |= {"validation_alias": field.key, "serialization_alias": field.key}
    if field.exclude:
        made["serialization_exclude"] = True
    return made


def _of_type(annotation: Any, nested: Nested) -> Schema:
    if annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_annotated(arguments[0], annotation.__metadata__, nested)
    if origin is Literal:
        return {"type": "literal", "expected": list(_alternatives(arguments))}
    if origin is list:
        return {"type": "list", "items_schema": _of_type(arguments[0], nested)}
    if origin is tuple:
        return _of_tuple(arguments, nested)
    if origin is dict:
        keys, values = (_of_type(each, nested) for each in arguments)
        return {"type": "dict", "keys_schema": keys, "values_schema": values}
    if origin in (Union, types.UnionType):
        return _of_union(arguments, nested)
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return nested(annotation)
    raise TypeError(f"no field can have the type {annotation}")


def _of_annotated(annotation: Any, metadata: tuple[Any, ...], nested: Nested) -> Schema:
    tags = [each.discriminator for each in metadata if isinstance(each, FieldInfo) and each.discriminator]
    schema = _tagged(get_args(annotation), tags[0], nested) if tags else _of_type(annotation, nested)
    for each in metadata:
        schema = _with(schema, each)
    return schema


def _alternatives(arguments: Iterable[Any]) -> Iterable[Any]:
    for each in arguments:  # a Literal of Literals
        if get_origin(each) is Literal:
            yield from _alternatives(get_args(each))
        else:
            yield each


def _of_tuple(arguments: tuple[Any, ...], nested: Nested) -> Schema:
    if len(arguments) == 2 and arguments[1] is ...:
        return {"type": "tuple", "items_schema": [_of_type(arguments[0], nested)], "variadic_item_index": 0}
    return {"type": "tuple", "items_schema": [_of_type(each, nested) for each in arguments]}


def _of_union(arguments: tuple[Any, ...], nested: Nested) -> Schema:
    choices = [_of_type(each, nested) for each in arguments if each is not types.NoneType]
    made = choices[0] if len(choices) == 1 else {"type": "union", "choices": choices}
    return {"type": "nullable", "schema": made} if types.NoneType in arguments else made


def _with(schema: Schema, about: Any) -> Schema:
    """Return a schema with what the metadata of an annotation, or a field, says of its values."""
    if isinstance(about, AfterValidator):
        return _after(schema, about.function)
    if isinstance(about, FieldInfo):
        return _bounded(schema, about.rules) if about.rules else schema
    raise TypeError(f"no annotation can have {about!r}")


def _bounded(schema: Schema, rules: Mapping[str, Any]) -> Schema:
    if schema["type"] in _AROUND:
        return {**schema, "schema": _bounded(schema["schema"], rules)}
    if unknown := rules.keys() - _RULES.get(schema["type"], _STRICT):
        raise TypeError(f"no {schema['type']} can have {', '.join(sorted(unknown))}")
    return {**schema, **rules}


def _tagged(arguments: tuple[Any, ...], discriminator: str, nested: Nested) -> Schema:
    choices = {
        tag: nested(each)
        for each in arguments
        for tag in _alternatives(get_args(each.model_fields[discriminator].annotation))
    }
    return {"type": "tagged-union", "choices": choices, "discriminator": discriminator}


def _after(schema: Schema, function: Callable[..., Any]) -> Schema:
    return {"type": "function-after", "function": {"type": "no-info", "function": function}, "schema": schema}
