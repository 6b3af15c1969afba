"""The pictures of the documentation, photographed from the panel as it is: ``make picture``."""
