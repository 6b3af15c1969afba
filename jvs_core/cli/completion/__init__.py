"""Completion in a shell: the scripts that ``jvs completion`` prints, and what they ask the command for."""
