"""The requirements that a repository and its file system must meet, as runnable checks."""

from jvs_core.conformance.requirement import Profile, Requirement, Scene
from jvs_core.conformance.runner import requirements, run

__all__ = ["Profile", "Requirement", "Scene", "requirements", "run"]
