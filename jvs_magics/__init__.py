"""Bring JVS into notebooks as magics; nothing but ``metric`` is implemented here yet."""

from jvs_magics.metric import metric

__all__ = ["metric"]
