"""The rules in force: loaded, watched, kept in numbered versions, and written back to their files."""
