"""The systems of a small company, played: what they send, and what they got in the end."""
