"""The Git area: the state of many repositories, and changes to them that can be undone."""
