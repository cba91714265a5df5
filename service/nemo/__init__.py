"""The NemoVideo backend: its wire format, its event stream and the client that speaks both."""
