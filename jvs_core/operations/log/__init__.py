"""Comparing the audit log with the repository: what is lost, and what differs."""
