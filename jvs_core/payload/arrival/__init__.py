"""Payloads that arrive in a repository from elsewhere, each distinct file once."""
