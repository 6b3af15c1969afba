"""What is said of a field beside its type: its default, its key in JSON, its bounds and its checks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal, TypedDict, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
REQUIRED: Any = ...


class Config(TypedDict, total=False):
    """How a class treats its values; a subclass may change some of it.

    ``extra`` says what becomes of fields that it does not know. With ``strict`` no value is converted to another type. With
    ``populate_by_name`` a field with a ``key`` may be given by its name as well; with ``serialize_by_alias`` it is
    written under its key.
    """

    extra: Literal["ignore", "allow", "forbid"]
    strict: bool
    populate_by_name: bool
    serialize_by_alias: bool


class FieldInfo:
    """What is known of a field. ``rules`` are bounds in the words of pydantic's schemas: ``ge``, ``max_length``, ``pattern`` …"""

    __slots__ = (
        "annotation",
        "default",
        "default_factory",
        "discriminator",
        "exclude",
        "key",
        "metadata",
        "rules",
    )

    def __init__(
        self,
        default: Any = REQUIRED,
        default_factory: Callable[[], Any] | None = None,
        key: str | None = None,
        exclude: bool = False,
        discriminator: str | None = None,
        **rules: Any,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.key = key
        self.exclude = exclude
        self.discriminator = discriminator
        self.rules = rules
        self.annotation: Any = None
        self.metadata: tuple[Any, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED and self.default_factory is None

    def missing(self) -> Any:
        """Return the value of a field that was not given, the caller's own."""
        return copy.deepcopy(self.default) if self.default_factory is None else self.default_factory()


def Field(default: Any = REQUIRED, **about: Any) -> Any:  # noqa: N802 - as in pydantic
    """Describe a field: as the default of its annotation, or inside ``Annotated``.

    ``default_factory`` makes the default. ``key`` is the name in JSON, where that is no name in Python. ``exclude`` keeps the
    field out of what is written. ``discriminator`` names the field that tells the classes of a union apart. The bounds are
    ``strict``, ``ge``, ``gt``, ``le``, ``lt``, ``pattern``, ``min_length``, ``max_length`` and ``allow_inf_nan``; one that the
    type cannot have, or that is misspelt, is a TypeError when the class is first used.
    """
    return FieldInfo(default, **about)


class AfterValidator:
    """A function inside ``Annotated`` that gets the checked value and returns the one to keep, or raises ValueError."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


def field_validator(name: str) -> Callable[[F], F]:
    """Mark a class method as the check of a field: it gets the value and returns the one to keep, or raises ValueError.

    A field has one; a subclass replaces it by a method of the same name.
    """

    def mark(method: F) -> F:
        function: Any = getattr(method, "__func__", method)  # a class method keeps its marks there
        function.checks = name
        return method

    return mark


def model_validator(method: F) -> F:
    """Mark a method as the check of the whole value: it returns ``self``, or raises ValueError."""
    return field_validator("")(method)
