"""Bring JVS into Jupyter's server, JupyterHub and papermill; nothing is implemented here yet."""
