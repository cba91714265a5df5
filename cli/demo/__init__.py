"""`caption-ab demo`: one real job from end to end, with nothing left running afterwards."""
