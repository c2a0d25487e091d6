"""What people and tools read of a mesh: its description, and documents made from it. Pure."""
