"""Small faults put into the package on purpose, one at a time, each of which a named test must notice.

``python -m tests.mutants`` puts each into a copy of the project and runs its tests there; the project itself is never
changed. ``docs/design/007-strength-of-the-tests.md`` has the results.
"""
