"""SQL databases: SQLite and PostgreSQL. Needs the extra ``sql``."""
