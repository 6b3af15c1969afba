"""What a spawn that JVS refuses says: on the page, in the log, and as a status."""

from __future__ import annotations

from jupyterhub.spawner import SpawnException

from jvs_core import JvsError
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.server.errors import status_for


def too_slow(seconds: float) -> SpawnException:
    """Return the exception for a worktree that was not ready in time."""
    return _refusal(f"The workspace was not ready within {seconds:.0f} s.", "jvs_timeout", 504)


def refusal(error: JvsError | Refused) -> SpawnException:
    """Return the exception for what JVS refused; a hint for the command line is left out of a lock's."""
    waits = error.code == "E_LOCK_CONFLICT"
    hint = " Try again when it is released." if waits else f" ({error.hint})" if error.hint else ""
    return _refusal(
        f"JVS: {error.message}.{hint}", error.code.lower(), status_for(error.code, error.exit_status)
    )


def _refusal(message: str, reason: str, status: int) -> SpawnException:
    """Return the exception that stops a spawn; the page that a slow spawn waits on shows ``jupyterhub_message`` only."""
    refusal = SpawnException(message, reason=reason, status_code=status)
    refusal.jupyterhub_message = message
    return refusal
