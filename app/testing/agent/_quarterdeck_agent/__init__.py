"""What runs inside a project's own interpreter: standard library and pytest only, Python 3.8 and later.

Nothing here may import anything of Quarterdeck, and nothing here is importable by a user's code under a common name.
"""
