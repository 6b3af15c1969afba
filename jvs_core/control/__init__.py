"""The control plane: everything that lives in ``.jvs`` beside the payloads."""
