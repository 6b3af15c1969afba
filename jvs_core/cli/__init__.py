"""The ``jvs`` command. ``main.run`` is the console's entry; ``main.execute`` runs a command line for another front end."""
