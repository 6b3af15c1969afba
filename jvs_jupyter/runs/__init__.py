"""Recorded runs of anything: one mechanism of recording, commands, isolation, reproduction, sweeps. Needs no Jupyter."""
