"""The one command of the agent: `python …/_quarterdeck_agent/__main__.py supervise|serve|child FD…`."""

import importlib
import os
import sys


def main() -> None:
    """Load the agent as a package without leaving its folder on `sys.path`, and hand over."""
    package = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0] or ".") == package:
        del sys.path[0]
    sys.path.insert(0, os.path.dirname(package))
    mode = sys.argv[1]
    name = {"supervise": "supervisor", "serve": "server", "child": "child"}[mode]
    # First, so that it knows what the interpreter itself has loaded.
    importlib.import_module("_quarterdeck_agent.private")
    module = importlib.import_module("_quarterdeck_agent." + name)
    sys.path.remove(os.path.dirname(package))
    module.main([int(number) for number in sys.argv[2:]])


if __name__ == "__main__":
    main()
