"""Captions in, words for the editing agent out. Pure: no network, no files, no clock."""
