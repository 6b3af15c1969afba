"""Exports: one snapshot, or a part of it, as a file or folder for somebody who has no JVS."""
