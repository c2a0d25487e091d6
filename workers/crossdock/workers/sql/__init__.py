"""What `sql-in` and `sql-out` share: one database, its errors, its tables."""
