"""What is wrong with the tracked files of a repository, and fixes that can be taken back."""
