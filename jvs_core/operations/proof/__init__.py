"""Proofs: what a repository recorded of snapshots and runs, to be checked by somebody who has only the files."""
