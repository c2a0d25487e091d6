"""Process Manager: what is done in several steps, each an answer to the one before (a saga)."""
