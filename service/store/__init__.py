"""Jobs, rows, accounts and files of record in Redis. The only room that imports redis."""
