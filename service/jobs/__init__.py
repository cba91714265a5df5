"""The story of a job: accepting it, advancing its rows step by step, ending it."""
