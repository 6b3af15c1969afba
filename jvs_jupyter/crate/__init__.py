"""Recorded runs as an RO-Crate: Process Run Crate for commands, Workflow Run Crate for notebooks."""
