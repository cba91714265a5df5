"""Events of a job and their way to the endpoints that asked for them."""
