"""The benchmark harness of Varve: Python's standard library only."""
