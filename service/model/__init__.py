"""What a job is: frozen values and pure decisions. Nothing here reads a clock or a store."""
