"""``jvs run``: recorded runs of notebooks and commands on the command line."""
