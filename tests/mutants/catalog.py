"""All mutants."""

from __future__ import annotations

from tests.mutants import audit, locks, operations, payload, records, showing
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *locks.MUTANTS,
    *records.MUTANTS,
    *audit.MUTANTS,
    *payload.MUTANTS,
    *operations.MUTANTS,
    *showing.MUTANTS,
)
