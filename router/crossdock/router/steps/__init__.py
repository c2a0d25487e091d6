"""The steps of routes, one pattern a file: each is compiled once and then run for every message."""
