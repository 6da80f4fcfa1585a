"""The kinds of target: each makes the final text of its kind, knows its limits, and sends one part at a time."""
