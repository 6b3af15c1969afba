"""Tests in real Chromium on a real Jupyter server."""
