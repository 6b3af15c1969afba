"""The facade over a repository, and the only door the front ends use."""

from jvs_core.repository.facade import Repository

__all__ = ["Repository"]
