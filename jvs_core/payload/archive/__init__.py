"""Writing entries of a payload to an archive, each file checked against its manifest while it is written."""
