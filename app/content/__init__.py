"""The Content area: texts, and the style they are written in."""
