"""Every call to an address that somebody gave us."""
