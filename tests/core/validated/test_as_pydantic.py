"""Every class of checked values has the schema that pydantic makes of the same annotations."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pydantic
import pytest

import jvs_core
from jvs_core.validated import AfterValidator, FieldInfo, Model

# Said by pydantic of everything, or for its own use.
UNHEEDED = {
    "computed_fields",
    "copy_default",
    "custom_init",
    "default_factory_takes_data",
    "from_attributes",
    "metadata",
    "post_init",
    "ref",
    "root_model",
    "serialization",
}
SETTINGS = {"extra", "strict", "populate_by_name", "serialize_by_alias"}


def below(base: type[Model]) -> Iterator[type[Model]]:
    for each in base.__subclasses__():
        yield each
        yield from below(each)


def models() -> list[type[Model]]:
    for module in pkgutil.walk_packages(jvs_core.__path__, "jvs_core."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted(
        {each for each in below(Model) if each.__module__.startswith("jvs_core.")},
        key=lambda each: (each.__module__, each.__qualname__),
    )


def theirs(annotation: Any) -> Any:
    """Return an annotation with pydantic's own words for metadata."""
    if get_origin(annotation) is Annotated:
        inner, *about = get_args(annotation)
        said = tuple(each for one in about for each in in_their_words(one))
        return Annotated[(theirs(inner), *said)]
    if get_origin(annotation) in (list, tuple, dict):
        return get_origin(annotation)[tuple(theirs(each) for each in get_args(annotation))]
    if hasattr(annotation, "__args__") and type(None) in get_args(annotation):
        made: Any = None
        for each in get_args(annotation):
            made = theirs(each) if made is None else made | theirs(each)
        return made
    return annotation


def in_their_words(about: Any) -> list[Any]:
    if isinstance(about, AfterValidator):
        return [pydantic.AfterValidator(about.function)]
    assert isinstance(about, FieldInfo)
    rules: dict[str, Any] = dict(about.rules)
    if about.discriminator is not None:
        rules["discriminator"] = about.discriminator
    return [pydantic.Field(**rules)]


def twin(model: type[Model]) -> type[pydantic.BaseModel]:
    """Return the class that pydantic makes of the same fields."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        annotation = theirs(
            Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        )
        said: dict[str, Any] = dict(field.rules)
        if field.default_factory is not None:
            said["default_factory"] = field.default_factory
        elif not field.required:
            said["default"] = field.default
        if field.key is not None:
            said["alias"] = field.key
        if field.exclude:
            said["exclude"] = True
        fields[name] = (annotation, pydantic.Field(**said))
    config: Any = {name: value for name, value in model.model_config.items() if name in SETTINGS}
    made: type[pydantic.BaseModel] = pydantic.create_model(model.__name__, __config__=config, **fields)
    return made


def plain(schema: Any, checks: frozenset[Any] = frozenset()) -> Any:
    """Return a schema without what need not be equal: classes by name, checks of methods left out."""
    if isinstance(schema, dict):
        if schema.get("type") == "function-after" and schema["function"]["function"] in checks:
            return plain(schema["schema"], checks)
        if schema.get("type") == "definitions":
            return plain(schema["schema"], checks)
        if schema.get("type") == "definition-ref":
            return schema["schema_ref"].rsplit(":", 1)[0].rsplit(".", 1)[-1]
        if schema.get("type") == "model":
            return schema["cls"].__name__
        if schema.get("type") == "tagged-union":
            schema = {name: value for name, value in schema.items() if name != "strict"}
        return {name: plain(value, checks) for name, value in schema.items() if name not in UNHEEDED}
    if isinstance(schema, list | tuple):
        return [plain(each, checks) for each in schema]
    return schema


def inside(schema: Any) -> tuple[Any, Any]:
    """Return the configuration and the fields of a class's schema."""
    while schema["type"] != "model":
        schema = schema["schema"]
    return schema["config"], schema["schema"]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_a_class_has_the_schema_that_pydantic_makes(model: type[Model]) -> None:
    ours, other = inside(model.model_schema), inside(twin(model).__pydantic_core_schema__)
    methods = frozenset(
        getattr(model, name) for name in dir(model) if name.startswith("_") and callable(getattr(model, name))
    )
    assert ours[0] == other[0]
    assert plain(ours[1], methods) == plain(other[1])


def test_there_are_many() -> None:
    assert len(models()) > 140
