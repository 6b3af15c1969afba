"""Stand in the place of a library of that name, which ``jsonschema`` asks for and does without where it is missing.

It is what checks the format ``iri``, which nothing here has, and its import takes a second of a processor: of each
server, hub and papermill that a test starts.
"""

raise ImportError("left out in processes that tests start")
