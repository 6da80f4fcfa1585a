"""Texts with the help of AI: endpoints, prompts, the actions, and the changes that a person takes or refuses."""
