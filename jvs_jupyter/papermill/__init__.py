"""Reproducible notebook runs with papermill: the engine ``jvs``, ``jvs://`` paths, isolation, reproduction, sweeps."""
