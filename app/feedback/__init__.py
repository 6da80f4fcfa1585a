"""The Feedback area: rows of what a model said and what was thought of it, their review, and what follows from it."""
