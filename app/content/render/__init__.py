"""What becomes of a draft's Markdown at each place where it is shown or sent."""
