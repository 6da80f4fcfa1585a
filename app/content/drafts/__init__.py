"""Drafts: kept with every version of their text, and with what was typed since the last one."""
