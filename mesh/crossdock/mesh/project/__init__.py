"""The project folder of a user: how its files are read, checked and typed."""
