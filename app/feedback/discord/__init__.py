"""Feedback that people give on Discord: messages, replies, reactions, buttons, forms."""
