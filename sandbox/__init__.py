"""A local server that speaks the NemoVideo backend's protocol and really renders."""
