"""Views: read-only copies of snapshots to look at, kept from gc while they are open.

An intent stands for each who holds a view, from before its folder exists until after it is gone; several may hold one.
"""
