"""A repository's configuration, key by key: what counts, where it comes from, and changing one, with all else as it was.

A key is a path through ``config.toml``: ``timeline.every_s``, ``retention.weekly.keep_last``. Comments and order stay.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from jvs_core import files, regular
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import InputError
from jvs_core.interrupts import uninterrupted
from jvs_core.operations.context import AUTO, Context, read_config
from jvs_core.operations.durations import check_duration
from jvs_core.payload.engines import select
from jvs_core.results import Setting
from jvs_core.settings import RepositoryConfig, RetentionPolicy, parse_config, under_policy
from jvs_core.validated import Model

_RETENTION = "retention"
_TIMELINE = "timeline"
_POLICY_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def settings(ctx: Context) -> list[Setting]:
    """Return every setting that there is, with those of the policies that the file has. Raises InputError."""
    config = read_config(ctx.layout.config)
    return [_setting(ctx, config, key) for key in _keys(config)]


def setting(ctx: Context, key: str) -> Setting:
    """Return one setting. Raises InputError for an unknown key, with the nearest ones."""
    config = read_config(ctx.layout.config)
    _require_known(key, config)
    return _setting(ctx, config, key)


def change(ctx: Context, key: str, values: Sequence[str] | None) -> Setting:
    """Give a setting the value that ``values`` say, with None its default, and return it as it is then.

    Written as a whole or not at all, durable, and in the log. Raises InputError for an unknown key, a value that makes no
    sense, a file that is a link, and for what a repository is made with; EngineUnavailable for an engine that cannot work here.
    """
    _require_known(key, read_config(ctx.layout.config))
    if key == "shared":
        raise InputError(
            "you can set shared only when you make a repository, because it sets the modes of folders and files",
            hint="jvs init NAME --shared",
        )
    value = None if values is None else _parsed(key, values)
    if key == "engine" and value is not None:
        select.choose(value, ctx.layout.control)
    store(ctx, key, value)
    return setting(ctx, key)


def store(ctx: Context, key: str, value: Any) -> RepositoryConfig:
    """Write the value of a known key into the configuration, or with None take its line away; return what it says then.

    Nothing is written where it says so already.
    """
    path = ctx.layout.config
    with uninterrupted(), ctx.critical():
        before, mode = _present(ctx.layout)
        after = _with(before, key.split("."), value)
        try:
            config = parse_config(after, path)
        except InputError as error:
            raise InputError(
                error.message.removeprefix(f"{path}: "),
                hint=f"JVS changed nothing; jvs config get {key} shows the value",
            ) from error
        if after == before:
            return config
        if path.is_symlink():
            raise InputError(
                f"{path} is a link, so other repositories may use the same file",
                hint=f"set {key} in the file that the link leads to",
            )
        critical.require(ctx.layout.repository_lock)
        files.write_atomic(path, after, mode=mode)
        ctx.audit("config_set", target=key, details={"value": value})
    return config


def _present(layout: Layout) -> tuple[bytes, int | None]:
    """Return the file's bytes and mode; what a new one has where there is none."""
    path = layout.config
    try:
        return regular.read_regular(path, follow=True), stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return b"", layout.file_mode


def _with(data: bytes, keys: Sequence[str], value: Any) -> bytes:
    import tomlkit  # only who changes a setting pays for it

    document = tomlkit.parse(data.decode())
    section: Any = document
    for name in keys[:-1]:
        if name not in section:
            if value is None:
                return data
            section[name] = tomlkit.table()
        section = section[name]
    if value is None:
        section.pop(keys[-1], None)
    elif section.get(keys[-1]) != value or isinstance(section.get(keys[-1]), bool) != isinstance(value, bool):
        section[keys[-1]] = value
    return tomlkit.dumps(document).encode()


def _keys(config: RepositoryConfig) -> Iterator[str]:
    yield from _below(RepositoryConfig, "")
    for name in config.retention:
        yield from _below(RetentionPolicy, f"{_RETENTION}.{name}.")


def _below(model: type[Model], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Model):
            yield from _below(kind, f"{prefix}{name}.")
        elif name != _RETENTION:
            yield f"{prefix}{name}"


def _require_known(key: str, config: RepositoryConfig) -> None:
    parts = key.split(".")
    known = list(_keys(config))
    if key in known:
        return
    if parts[0] == _RETENTION and len(parts) == 3 and _POLICY_NAME.fullmatch(parts[1]):
        known += _below(RetentionPolicy, f"{_RETENTION}.{parts[1]}.")
        if key in known:
            return
    below = [each for each in known if each.startswith(f"{key}.")]
    near = below or get_close_matches(key, known, n=3) or [each for each in known if each.endswith(f".{key}")]
    hint = f"did you mean: {', '.join(near[:8])}" if near else "jvs config show lists them all"
    raise InputError(f"there is no setting {key!r}", hint=hint)


def _field_of(key: str) -> Any:
    parts = key.split(".")
    model: type[Model] = RepositoryConfig
    if parts[0] == _RETENTION:
        model, parts = RetentionPolicy, parts[2:]
    for name in parts[:-1]:
        found = model.model_fields[name].annotation
        assert isinstance(found, type)
        model = found
    return model.model_fields[parts[-1]]


def _parsed(key: str, values: Sequence[str]) -> Any:
    """Return the value that words on a command line mean for a key; what the configuration makes of it is looked at later."""
    for each in values:
        if not each.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in each):
            raise InputError(
                f"{key} is text, but {each!r} is not valid UTF-8",
                hint=f"jvs config get {key} shows the value",
            )
    kinds = _kinds(_field_of(key).annotation)
    if kinds & {list, tuple}:
        return list(values)
    if len(values) != 1:
        raise InputError(f"{key} has one value, not {len(values)}", hint=f"jvs config set {key} VALUE")
    (word,) = values
    if bool in kinds:
        if word.lower() not in _WORDS:
            raise InputError(f"{key} is true or false, not {word!r}", hint=f"jvs config set {key} true")
        return _WORDS[word.lower()]
    if int in kinds:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", word, re.ASCII):
            raise InputError(f"{key} is a whole number, not {word!r}", hint=f"jvs config get {key}")
        return int(word)
    if key.endswith(".keep_within"):
        check_duration(word)
    return word


def _kinds(annotation: Any) -> set[Any]:
    """Return the plain types that a field's annotation is made of."""
    origin = get_origin(annotation)
    if origin in (list, tuple, dict):
        return {origin}
    return (
        {annotation} if origin is None else {kind for each in get_args(annotation) for kind in _kinds(each)}
    )


def _setting(ctx: Context, config: RepositoryConfig, key: str) -> Setting:
    parts = key.split(".")
    value, given = _value(config, parts)
    default = _field_of(key).missing()
    source, variable = "config.toml" if given else "default", None
    if key == "engine":
        default = AUTO
        value = value or AUTO
        if ctx.settings.engine is not None:
            value, source, variable = ctx.settings.engine, "environment", "JVS_SNAPSHOT_ENGINE"
    elif parts[0] == _TIMELINE and ctx.settings.timeline is not None:
        ruled = getattr(under_policy(config.timeline, ctx.settings.timeline), parts[1])
        if ruled != value:
            value, source, variable = ruled, "environment", "JVS_TIMELINE"
    return Setting.model_validate(
        {
            "key": key,
            "value": _plain(value),
            "default": _plain(default),
            "source": source,
            "variable": variable,
        }
    )


def _value(config: RepositoryConfig, parts: Sequence[str]) -> tuple[Any, bool]:
    """Return what the file says of a key, or its default, and whether the file says it."""
    here: Any = config
    given = True
    for name in parts:
        if isinstance(here, Mapping):
            given, here = given and name in here, here.get(name, RetentionPolicy())
        else:
            given, here = given and name in here.model_fields_set, getattr(here, name)
    return here, given


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
