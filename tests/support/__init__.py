"""File systems, payloads and strategies that the tests and the benchmark share."""
