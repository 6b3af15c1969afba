"""Settings from the environment and from a repository's ``config.toml``: read here, once, at the edge."""

from __future__ import annotations

import getpass
import json
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from jvs_core.errors import InputError, NameInvalid
from jvs_core.model import LEASE_MS_MAXIMUM, Tier, parse_tiers
from jvs_core.validated import Config, Field, Model, ValidationError, field_validator

LEASE_MS_MINIMUM = 1_000
KEEP_MAXIMUM = 1_000_000_000
INTERACTIVE_LEASE_MS = 15 * 60 * 1000
_LONGEST_USER = 100
_LONGEST_PATTERN = 1_000
_MOST_PATTERNS = 1_000
_REMOVED = " (deleted)"
_OWNERS = "/var/lib/jvs/as"
_KEPT = (
    *("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "TZ"),
    *(
        "TERM",
        "COLUMNS",
        "LINES",
        "NO_COLOR",
        "USER",
        "LOGNAME",
        "JVS_SESSION",
        "JVS_SNAPSHOT_ENGINE",
        "JVS_TIMELINE",
    ),
)


@dataclass(frozen=True)
class Settings:
    """Who is calling and where this user's own state lies.

    ``state_dir`` holds the secrets of held locks (mode 0700); ``cache_dir`` holds stat caches, which may be deleted
    at any time. ``config_dir`` holds what the user decided (whose repositories are trusted); None stands for the
    user's own, which is found when it is needed. ``session`` separates lock holders that share a user. ``timeline``
    overrides ``[timeline]`` of every repository, as JSON: one policy for all users of a hub.
    """

    user: str
    host: str
    session: str
    engine: str | None
    state_dir: Path
    cache_dir: Path
    config_dir: Path | None = None
    timeline: str | None = None

    @classmethod
    def from_environment(cls) -> Settings:
        """Return the settings of this process, as a repository opened without any has them."""
        return from_environment()

    def config_folder(self) -> Path:
        """Return the folder of the user's configuration. Raises InputError where the user has no home folder."""
        return self.config_dir or _folder("JVS_CONFIG_DIR", "user_config_path")

    @property
    def holder_id(self) -> str:
        """Who the lock and the audit log name: ``user@host``, with the session where it is not the default."""
        who = f"{self.user}@{self.host}"
        return who if self.session == "default" else f"{who}:{self.session}"


def from_environment() -> Settings:
    """Return the settings of the process: ``JVS_SESSION``, ``JVS_SNAPSHOT_ENGINE`` and the folders, ``JVS_…_DIR``."""
    session = os.environ.get("JVS_SESSION") or "default"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}", session):
        raise NameInvalid(
            f"JVS_SESSION is not a valid session name: {session!r}", hint="use letters, digits, . _ - : @"
        )
    return Settings(
        user=_user(),
        host=os.uname().nodename,
        session=session,
        engine=os.environ.get("JVS_SNAPSHOT_ENGINE") or None,
        state_dir=_folder("JVS_STATE_DIR", "user_state_path"),
        cache_dir=_folder("JVS_CACHE_DIR", "user_cache_path"),
        config_dir=_given("JVS_CONFIG_DIR"),
        timeline=os.environ.get("JVS_TIMELINE") or None,
    )


def working_folder() -> Path:
    """Return the current folder, of one that was removed the path that it had.

    That path is the kernel's: ``PWD`` may say anything. Raises FileNotFoundError where the kernel does not tell it.
    """
    try:
        return Path(os.getcwd())
    except FileNotFoundError:
        had = os.readlink("/proc/self/cwd")
        if not had.startswith("/") or not had.endswith(_REMOVED):
            raise
        return Path(had.removesuffix(_REMOVED))


def owners_folder() -> Path:
    """Return where root keeps a folder of state for each user in whose repositories it works: ``JVS_OWNERS_DIR``."""
    return _given("JVS_OWNERS_DIR") or Path(_OWNERS)


def environment_of_owner(folder: Path) -> dict[str, str]:
    """Return the environment of a process that goes on as a repository's owner, with its own state in ``folder``.

    What root alone may know is not in it: the owner can read the environment of its own processes.
    """
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    return {
        **kept,
        "HOME": str(folder),
        "JVS_STATE_DIR": str(folder / "state"),
        "JVS_CACHE_DIR": str(folder / "cache"),
        "JVS_CONFIG_DIR": str(folder / "config"),
    }


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a uid without a passwd entry, as in many containers
        return f"uid{os.getuid()}"
    # The name comes from the environment, goes into records, and is shown on other people's terminals.
    return name if name.isprintable() and len(name) <= _LONGEST_USER else f"uid{os.getuid()}"


def _given(variable: str) -> Path | None:
    """Return the folder that a variable names, if it is set. Raises InputError for a path that is not absolute."""
    given = os.environ.get(variable)
    if given and not os.path.isabs(given):  # it would be another folder in each folder that a command runs in
        raise InputError(
            f"{variable} is not an absolute path: {given!r}", hint=f"set {variable} to a full path"
        )
    return Path(given) if given else None


def _folder(variable: str, kind: str) -> Path:
    given = _given(variable)
    if given is not None:
        return given
    import platformdirs  # 20 ms, and only without the variable

    homeless = InputError(
        "this user has no home folder, so JVS cannot store its state", hint=f"set HOME or {variable}"
    )
    try:
        folder = Path(getattr(platformdirs, kind)("jvs"))
    except RuntimeError as error:  # no HOME and no passwd entry
        raise homeless from error
    if not folder.is_absolute():  # as above, in older versions: a literal "~" in the current directory
        raise homeless
    return folder


class _Section(Model):
    model_config = Config(extra="forbid", strict=True)


class LeaseConfig(_Section):
    """Lease timing, in milliseconds."""

    duration_ms: int = Field(default=30_000, ge=LEASE_MS_MINIMUM, le=LEASE_MS_MAXIMUM)
    renew_interval_ms: int = Field(default=10_000, ge=100, le=LEASE_MS_MAXIMUM)
    max_clock_skew_ms: int = Field(default=2_000, ge=0, le=600_000)
    steal_grace_ms: int = Field(default=1_000, ge=0, le=600_000)


class RetentionPolicy(_Section):
    """How many snapshots to keep of each kind, in restic's words; nothing set keeps everything."""

    keep_last: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_hourly: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_daily: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_weekly: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_monthly: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_yearly: int | None = Field(default=None, ge=0, le=KEEP_MAXIMUM)
    keep_within: str | None = None
    keep_tag: list[str] = Field(default_factory=list)


Pattern = Annotated[str, Field(min_length=1, max_length=_LONGEST_PATTERN)]


class ExcludeConfig(_Section):
    """What snapshots leave out: ``patterns`` in gitignore's syntax, and with ``caches`` known caches."""

    patterns: tuple[Pattern, ...] = Field(default=(), strict=False, max_length=_MOST_PATTERNS)
    caches: bool = False

    @field_validator("patterns")
    @classmethod
    def _in_gitignores_syntax(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if patterns:
            from pathspec import GitIgnoreSpec  # only repositories with patterns pay for it

            for pattern in patterns:
                if (
                    "\n" in pattern
                    or "\0" in pattern
                    or GitIgnoreSpec.from_lines([pattern]).patterns[0].include is None
                ):
                    raise ValueError(f"not a .gitignore pattern: {pattern!r}")
        return patterns


NO_EXCLUSION = ExcludeConfig.model_construct()


class TimelineConfig(_Section):
    """When JVS takes automatic snapshots, and which of them stay."""

    enabled: bool = True
    after_save_s: int = Field(default=30, ge=1, le=86_400)
    every_s: int = Field(default=300, ge=1, le=86_400)
    keep: list[str] = Field(default=["2h:all", "1d:10m", "7d:1h", "30d:1d", "rest:1w"])
    deleted_days: int = Field(default=30, ge=0, le=36_500)
    space_percent: int = Field(default=10, ge=1, le=100)

    @field_validator("keep")
    @classmethod
    def _understood(cls, words: list[str]) -> list[str]:
        parse_tiers(words)
        return words

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The words of ``keep``, understood."""
        return parse_tiers(self.keep)


class RepositoryConfig(_Section):
    """A repository's ``config.toml``."""

    engine: str | None = None
    shared: bool = False
    lease: LeaseConfig = Field(default_factory=LeaseConfig)
    timeline: TimelineConfig = Field(default_factory=TimelineConfig)
    retention: dict[str, RetentionPolicy] = Field(default_factory=dict)
    exclude: ExcludeConfig = Field(default_factory=ExcludeConfig)


def parse_config(data: bytes, path: Path) -> RepositoryConfig:
    """Return the repository configuration that ``data`` holds; ``path`` names it in messages.

    Raises
    ------
    InputError
        The file is not TOML, or a key or value is not one JVS knows; the message says which.
    """
    try:
        values: dict[str, Any] = tomllib.loads(data.decode())
        return RepositoryConfig.model_validate(values)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint=f"repair or delete {path}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_first(error)}", hint=f"repair or delete {path}") from error


def under_policy(config: TimelineConfig, policy: str | None) -> TimelineConfig:
    """Return ``config`` with what ``policy``, a JSON object of the same keys, says instead. Raises InputError."""
    if policy is None:
        return config
    try:
        return TimelineConfig.model_validate({**config.model_dump(), **dict(json.loads(policy))})
    except ValidationError as error:
        raise InputError(
            f"JVS_TIMELINE: {_first(error)}", hint="use the keys of [timeline] in config.toml"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError("JVS_TIMELINE is not a JSON object", hint='for example {"every_s": 600}') from error


def parse_policy(**values: Any) -> RetentionPolicy:
    """Return the retention policy of these values. Raises InputError, which names the one that makes no sense."""
    try:
        return RetentionPolicy.model_validate(values)
    except ValidationError as error:
        raise InputError(_first(error), hint="see: jvs gc plan --help") from error


def parse_exclude(patterns: Iterable[str], caches: bool) -> ExcludeConfig:
    """Return what snapshots are to leave out. Raises InputError, which names the pattern that makes no sense."""
    try:
        return ExcludeConfig(patterns=tuple(patterns), caches=caches)
    except ValidationError as error:
        raise InputError(_first(error), hint="use the syntax of .gitignore: *.tmp, /scratch/") from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].removeprefix('Value error, ')}"


def render_config(config: RepositoryConfig) -> str:
    """Return ``config`` as a commented TOML file."""
    lines = ["# JVS repository configuration. Times are milliseconds.", ""]
    if config.engine is not None:
        lines.append(f'engine = "{config.engine}"')
    lines.append(f"shared = {'true' if config.shared else 'false'}")
    lines += ["", "[lease]"]
    lines += [f"{name} = {value}" for name, value in config.lease.model_dump().items()]
    lines += [
        "",
        "# Automatic snapshots: see jvs timeline --help",
        "# [timeline]",
        "# enabled = false",
        "",
        "# A retention policy, used with: jvs gc plan --policy NAME",
        "# [retention.NAME]",
        "# keep_daily = 7",
        "",
        *_rendered_exclusion(config.exclude),
        "",
    ]
    return "\n".join(lines)


def _rendered_exclusion(exclude: ExcludeConfig) -> list[str]:
    """Return the section as TOML; a JSON string of ASCII is one of TOML too."""
    if exclude == NO_EXCLUSION:
        return [
            "# What snapshots leave out, in the syntax of .gitignore; caches = true: known caches too.",
            "# [exclude]",
            '# patterns = ["*.tmp", "/scratch/"]',
            "# caches = true",
        ]
    patterns = ", ".join(json.dumps(pattern) for pattern in exclude.patterns)
    return ["[exclude]", f"patterns = [{patterns}]", f"caches = {'true' if exclude.caches else 'false'}"]


def home() -> Path | None:
    """Return the caller's home folder, links resolved; None where there is none."""
    try:
        return Path(os.path.realpath(Path.home()))
    except RuntimeError:  # no HOME and no passwd entry
        return None
