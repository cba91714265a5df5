"""The command `caption-ab`: an HTTP client and a process starter."""
