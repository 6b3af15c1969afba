"""Canonical JSON (RFC 8785) and digests of it."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from jvs_core.errors import InputError


def dumps(value: Any) -> bytes:
    """Return the RFC 8785 form of ``value``.

    Raises
    ------
    InputError
        ``value`` holds a number or string that canonical JSON cannot carry (a float that is not finite, an integer
        beyond 2**53, text that is not valid Unicode).
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise InputError(f"JSON cannot hold this text or number: {error}") from error


def sha256(value: Any) -> str:
    """Return the SHA-256 of the canonical form of ``value``, in lower-case hexadecimal."""
    return hashlib.sha256(dumps(value)).hexdigest()
