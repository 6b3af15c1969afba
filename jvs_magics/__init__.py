"""Bring JVS into notebooks as magics; nothing is implemented here yet."""
