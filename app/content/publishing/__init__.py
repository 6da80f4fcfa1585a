"""Drafts on their way to readers: what is sent where, when, and what became of it."""
