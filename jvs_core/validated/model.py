"""The class of checked values."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform, get_args, get_origin

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError

from jvs_core.validated import schema
from jvs_core.validated.field import REQUIRED, Config, Field, FieldInfo

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

_HIDDEN = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


class _MadeLate:
    """An attribute of a class that is made when it is first asked for: by then all names in annotations exist."""

    def __init__(self, make: Callable[[type[Model]], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self._name = name

    def __get__(self, instance: Model | None, owner: type[Model]) -> Any:
        made = self._make(owner)
        setattr(owner, self._name, made)
        return made


def _fields(model: type[Model]) -> dict[str, FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for base in reversed(model.__bases__):
        found |= getattr(base, "model_fields", {})
    if model is Model:
        return found
    for name, annotation in inspect.get_annotations(model, eval_str=True).items():
        if name.startswith(("_", "model_")) or _is_of_the_class(annotation):
            continue
        given = model._given.get(name, REQUIRED)
        field = copy.copy(given) if isinstance(given, FieldInfo) else FieldInfo(given)
        field.metadata = getattr(annotation, "__metadata__", ())
        field.annotation = get_args(annotation)[0] if field.metadata else annotation
        found[name] = field
    return found


def _is_of_the_class(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.partition("[")[0].endswith("ClassVar")
    return ClassVar in (annotation, get_origin(annotation))


def _core_schema(model: type[Model]) -> schema.Schema:
    return schema.of_model(model, lambda other: other.model_schema)


def _validator(model: type[Model]) -> SchemaValidator:
    return SchemaValidator(model.model_schema, {"title": model.__name__})


def _late() -> dict[str, Any]:
    return {
        "model_fields": _MadeLate(_fields),
        "model_schema": _MadeLate(_core_schema),
        "__pydantic_validator__": _MadeLate(_validator),
        "__pydantic_serializer__": _MadeLate(lambda model: SchemaSerializer(model.model_schema)),
    }


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Model:
    """A value with checked fields, which never change.

    Fields are annotations, with a default or ``Field``: of the types ``str``, ``int``, ``float``, ``bool``, ``Any``, ``Literal``,
    ``list``, ``tuple``, ``dict``, unions and classes like this one. Making a value checks it, and raises ``ValidationError`` for what its
    fields do not allow; so does reading one from JSON. Values are equal if they are of one class and their fields are.
    """

    __slots__ = ("__dict__", *_HIDDEN)

    model_config: ClassVar[Config] = {}
    model_fields: ClassVar[dict[str, FieldInfo]]
    _given: ClassVar[dict[str, Any]] = {}
    model_schema: ClassVar[schema.Schema]
    __pydantic_validator__: ClassVar[SchemaValidator]
    __pydantic_serializer__: ClassVar[SchemaSerializer]
    __pydantic_root_model__: ClassVar[bool] = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        own = vars(cls)
        cls._given = {
            name: own[name]
            for name, annotation in inspect.get_annotations(cls).items()
            if name in own and not name.startswith(("_", "model_")) and not _is_of_the_class(annotation)
        }
        for name in cls._given:
            delattr(cls, name)
        config: Config = {}
        for base in reversed(cls.__mro__):
            config |= vars(base).get("model_config", {})
        if unknown := config.keys() - Config.__annotations__.keys():
            raise TypeError(
                f"{cls.__name__} has a model_config of unknown keys: {', '.join(sorted(unknown))}"
            )
        cls.model_config = config
        for name, made in _late().items():
            made.__set_name__(cls, name)
            setattr(cls, name, made)

    def __init__(self, /, **values: Any) -> None:
        self.__pydantic_validator__.validate_python(values, self_instance=self)

    @classmethod
    def model_validate(cls, value: Any, *, strict: bool | None = None) -> Self:
        """Return the value of a mapping of fields; a value of this class as it is. Raises ValidationError."""
        made: Self = cls.__pydantic_validator__.validate_python(value, strict=strict)
        return made

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """Return the value of a JSON object. Raises ValidationError."""
        made: Self = cls.__pydantic_validator__.validate_json(text)
        return made

    @classmethod
    def model_build(cls) -> None:
        """Make now what is otherwise made when it is first used."""
        _ = cls.__pydantic_validator__, cls.__pydantic_serializer__

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """Return the value of fields that are known to be right, unchecked."""
        given, fields = set[str](), dict[str, Any]()
        for name, field in cls.model_fields.items():
            key = name if name in values or field.key is None else field.key
            if key in values:
                fields[name] = values.pop(key)
                given.add(name)
            elif not field.required:
                fields[name] = field.missing()
        extra = values if cls.model_config.get("extra") == "allow" else None
        return cls._made(fields, given | (extra or {}).keys(), extra)

    @classmethod
    def _made(cls, fields: dict[str, Any], given: Any, extra: dict[str, Any] | None) -> Self:
        made = cls.__new__(cls)
        made.__setstate__((fields, {"__pydantic_fields_set__": set(given), "__pydantic_extra__": extra}))
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Return a copy with some fields replaced, unchecked."""
        fields, extra = dict(self.__dict__), copy.copy(self.model_extra)
        for name, value in (update or {}).items():
            if extra is not None and name not in self.model_fields:
                extra[name] = value
            else:
                fields[name] = value
        made = self._made(fields, self.model_fields_set | (update or {}).keys(), extra)
        made.model_attach(self.model_attached)
        return made

    def model_attach(self, value: Any) -> None:
        """Attach a value that is no field: it is copied along and counts where values are compared, and is not written."""
        object.__setattr__(self, "__pydantic_private__", value)

    @property
    def model_attached(self) -> Any:
        """The value that is attached, or None."""
        return self.__pydantic_private__  # type: ignore[attr-defined]

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields by name as plain values: ``exclude``, ``by_alias``, ``exclude_none`` … as in pydantic."""
        made: dict[str, Any] = self.__pydantic_serializer__.to_python(self, **options)
        return made

    def model_dump_json(self, **options: Any) -> str:
        """Return the fields as the text of a JSON object; options as for ``model_dump``."""
        return self.__pydantic_serializer__.to_json(self, **options).decode()

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that were given."""
        found: set[str] = self.__pydantic_fields_set__  # type: ignore[attr-defined]
        return found

    @property
    def model_extra(self) -> dict[str, Any] | None:
        """The fields that the class does not know, where it keeps them."""
        found: dict[str, Any] | None = self.__pydantic_extra__  # type: ignore[attr-defined]
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> schema.Schema:
        """Tell pydantic, where one of its own classes has a field of this class."""
        made = schema.of_model(cls, lambda other: dict(handler.generate_schema(other)))
        made["ref"] = f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
        return made

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        yield from self.__dict__.items()
        yield from (self.model_extra or {}).items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (
            type(self) is type(other)
            and self.__dict__ == other.__dict__
            and (self.model_extra or {}) == (other.model_extra or {})
            and self.model_attached == other.model_attached
        )

    def __hash__(self) -> int:
        return hash((type(self), *map(self.__dict__.get, self.model_fields)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self)})"

    if not TYPE_CHECKING:  # or every name would seem to be an attribute

        def __getattr__(self, name: str) -> Any:
            try:
                return object.__getattribute__(self, "__pydantic_extra__")[name]
            except (AttributeError, TypeError, KeyError):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise ValidationError.from_exception_data(
            type(self).__name__, [{"type": "frozen_instance", "loc": (name,), "input": value}]
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.__dict__, {name: getattr(self, name, None) for name in _HIDDEN}

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
        object.__setattr__(self, "__dict__", state[0])
        for name in _HIDDEN:
            object.__setattr__(self, name, state[1].get(name))
