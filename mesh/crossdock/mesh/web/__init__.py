"""Other systems over HTTP. Needs the extra ``http``."""
