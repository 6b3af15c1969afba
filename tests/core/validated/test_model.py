"""Checked values: how they are made, refused, copied, compared, written and used by pydantic."""

from __future__ import annotations

import copy
import pickle
from typing import Annotated, Any, ClassVar, Literal

import pydantic
import pytest

from jvs_core.validated import (
    AfterValidator,
    Config,
    Field,
    Model,
    ValidationError,
    field_validator,
    model_validator,
)


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("is odd")
    return number


class Point(Model):
    """A place."""

    model_config = Config(strict=True)

    x: int
    y: Annotated[int, Field(ge=0), AfterValidator(_even)] = 0


class Named(Point):
    """A place with a name."""

    model_config = Config(extra="allow", populate_by_name=True, serialize_by_alias=True)

    kind: ClassVar[str] = "named"
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    from_: str | None = Field(default=None, key="from")
    tags: list[str] = Field(default_factory=list)
    secret: int = Field(default=7, exclude=True)

    @field_validator("tags")
    @classmethod
    def _sorted(cls, tags: list[str]) -> list[str]:
        return sorted(tags)

    @model_validator
    def _not_both(self) -> Named:
        if self.x and self.from_:
            raise ValueError("either x or from")
        return self


class Circle(Model):
    shape: Literal["circle"] = "circle"
    radius: float


class Square(Model):
    shape: Literal["square"] = "square"
    side: float


class Drawing(Model):
    model_config = Config(extra="forbid")

    parts: tuple[Annotated[Circle | Square, Field(discriminator="shape")], ...]
    at: Point | None = None


class Table(pydantic.BaseModel):
    rows: list[Drawing]


def refused(model: type[Model], value: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return [(".".join(map(str, each["loc"])), each["type"]) for each in caught.value.errors()]


def test_a_value_has_its_fields_and_defaults() -> None:
    value = Named(x=0, name="a", tags=["z", "b"])
    assert (value.x, value.y, value.name, value.from_, value.tags, value.secret) == (
        0,
        0,
        "a",
        None,
        ["b", "z"],
        7,
    )
    assert value.model_fields_set == {"x", "name", "tags"}
    assert Named(x=0, name="b").tags is not Named(x=0, name="c").tags
    assert list(Named.model_fields) == ["x", "y", "name", "from_", "tags", "secret"]


def test_what_the_fields_do_not_allow_is_refused() -> None:
    assert refused(Point, {}) == [("x", "missing")]
    assert refused(Point, {"x": "1"}) == [("x", "int_type")]
    assert refused(Point, {"x": True}) == [("x", "int_type")]
    assert refused(Point, {"x": 1, "y": -2}) == [("y", "greater_than_equal")]
    assert refused(Point, {"x": 1, "y": 3}) == [("y", "value_error")]
    assert refused(Named, {"x": 1, "name": "A"}) == [("name", "string_pattern_mismatch")]
    assert refused(Named, {"x": 1, "name": "a", "from": "b"}) == [("", "value_error")]
    assert refused(Drawing, {"parts": [], "more": 1}) == [("more", "extra_forbidden")]
    assert refused(Drawing, {"parts": [{"shape": "line"}]}) == [("parts.0", "union_tag_invalid")]


def test_a_key_is_the_name_in_json() -> None:
    value = Named.model_validate_json('{"x": 0, "name": "a", "from": "b", "more": [1]}')
    assert value.from_ == "b"
    assert value.model_extra == {"more": [1]}
    assert value.model_dump() == {"x": 0, "y": 0, "name": "a", "from": "b", "tags": [], "more": [1]}
    assert Named.model_validate_json(value.model_dump_json()) == value
    assert Named(x=0, name="a", from_="b").from_ == "b"


def test_a_value_never_changes() -> None:
    value = Point(x=1)
    with pytest.raises(ValidationError, match="frozen"):
        value.x = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        del value.x
    with pytest.raises(ValidationError, match="frozen"):
        value.z = 2


def test_values_are_equal_by_class_and_fields() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert hash(Point(x=1)) == hash(Point(x=1, y=0))
    assert Point(x=1) != Point(x=2)
    assert Circle(radius=1) != Square(side=1)
    assert Named(x=0, name="a") != Named.model_validate({"x": 0, "name": "a", "more": 1})
    assert Point(x=1) != {"x": 1, "y": 0}
    assert repr(Point(x=1)) == "Point(x=1, y=0)"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_is_equal_and_knows_what_was_given(again: Any) -> None:
    value = Named.model_validate({"x": 0, "name": "a", "more": [1]})
    other = again(value)
    assert other == value
    assert other.model_fields_set == value.model_fields_set
    assert other.model_extra == {"more": [1]}
    assert other.model_dump() == value.model_dump()


def test_a_copy_with_other_fields_is_not_checked_and_leaves_the_first() -> None:
    value = Point(x=1)
    assert value.model_copy(update={"x": 2}) == Point(x=2)
    assert value.x == 1
    assert Named.model_construct(name="A", **{"from": "b"}).from_ == "b"


def test_a_subclass_has_its_own_fields_whichever_is_used_first() -> None:
    class First(Model):
        a: int

    assert First(a=1).model_dump() == {"a": 1}

    class Second(First):
        b: int = 2

    assert Second(a=1).model_dump() == {"a": 1, "b": 2}
    assert First(a=1).model_dump() == {"a": 1}
    assert isinstance(Second(a=1), First)


def test_a_value_may_be_a_field_of_one_of_pydantics_classes() -> None:
    table = Table.model_validate({"rows": [{"parts": [{"shape": "square", "side": 2}], "at": {"x": 1}}]})
    assert table.rows == [Drawing(parts=(Square(side=2),), at=Point(x=1))]
    assert table.model_dump(mode="json") == {
        "rows": [{"parts": [{"shape": "square", "side": 2.0}], "at": {"x": 1, "y": 0}}]
    }
    schema = pydantic.TypeAdapter(Drawing).json_schema()
    assert set(schema["$defs"]) == {"Circle", "Square", "Point"}
    assert schema["additionalProperties"] is False


def test_an_unknown_field_is_an_attribute() -> None:
    value = Named.model_validate({"x": 0, "name": "a", "more": [1]})
    assert value.more == [1]  # type: ignore[attr-defined]
    assert value.model_copy(update={"more": 2}).model_dump()["more"] == 2
    assert value.more == [1]  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'Point' object has no attribute 'more'"):
        Point(x=1).more  # type: ignore[attr-defined]  # noqa: B018


def test_what_belongs_to_the_class_stays_there() -> None:
    assert Named.kind == "named"
    assert "kind" not in Named.model_fields


def test_a_default_is_each_values_own() -> None:
    class Listed(Model):
        tags: list[str] = ["a"]  # noqa: RUF012

    Listed().tags.append("b")
    Listed.model_construct().tags.append("c")
    Listed.model_fields["tags"].missing().append("d")
    assert Listed().tags == ["a"]


def test_what_is_attached_is_copied_compared_and_not_written() -> None:
    one, other = Point(x=1), Point(x=1)
    one.model_attach("note")
    assert one != other
    assert one.model_copy(update={"y": 2}).model_attached == "note"
    assert pickle.loads(pickle.dumps(one)) == one
    assert "note" not in f"{one!r}{one.model_dump()}{one.model_dump_json()}{dict(one)}"


def test_a_class_that_fails_is_called_by_its_name() -> None:
    with pytest.raises(ValidationError, match="2 validation errors for Named"):
        Named()  # type: ignore[call-arg]


def _with_set() -> type[Model]:
    class Odd(Model):
        value: set[int]

    return Odd


def _with_field_of_pydantics() -> type[Model]:
    class Odd(Model):
        value: int = pydantic.Field(ge=1)

    return Odd


def _with_metadata_of_pydantics() -> type[Model]:
    class Odd(Model):
        value: Annotated[int, pydantic.Field(ge=1)]

    return Odd


def _with_check_of_pydantics() -> type[Model]:
    class Odd(Model):
        value: int

        @pydantic.field_validator("value")
        @classmethod
        def _check(cls, value: int) -> int:
            return value

    return Odd


def _with_two_checks() -> type[Model]:
    class Odd(Point):
        @field_validator("x")
        @classmethod
        def _one(cls, value: int) -> int:
            return value

        @field_validator("x")
        @classmethod
        def _two(cls, value: int) -> int:
            return value

    return Odd


def _with_check_of_no_field() -> type[Model]:
    class Odd(Point):
        @field_validator("z")
        @classmethod
        def _one(cls, value: int) -> int:
            return value

    return Odd


def _with_a_rule_misspelt() -> type[Model]:
    class Odd(Model):
        value: str = Field(maxlength=3)

    return Odd


def _with_a_rule_of_others() -> type[Model]:
    class Odd(Model):
        value: int | str = Field(ge=3)

    return Odd


def _with_unknown_configuration() -> type[Model]:
    class Odd(Model):
        model_config = {"str_max_length": 3}  # type: ignore[typeddict-unknown-key]  # noqa: RUF012

    return Odd


@pytest.mark.parametrize(
    ("declare", "named"),
    [
        (_with_set, r"set\[int\]"),
        (_with_field_of_pydantics, "a field of pydantic's"),
        (_with_metadata_of_pydantics, "no annotation can have"),
        (_with_check_of_pydantics, "_check is pydantic's"),
        (_with_two_checks, "two checks of x: _one, _two"),
        (_with_check_of_no_field, "z, which is no field"),
        (_with_a_rule_misspelt, "no str can have maxlength"),
        (_with_a_rule_of_others, "no union can have ge"),
        (_with_unknown_configuration, "str_max_length"),
    ],
)
def test_what_is_not_heeded_is_an_error(declare: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        declare().model_build()
