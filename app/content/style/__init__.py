"""The style guide as rules: what is wrong in a Markdown text, and what can be put right by itself."""
