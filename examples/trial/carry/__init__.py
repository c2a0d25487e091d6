"""Carries real records through a mesh, and accounts for each of their lines."""
