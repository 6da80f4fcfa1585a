"""`qd` from the checkout, for an environment where the project itself is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.cli import main

if __name__ == "__main__":
    sys.exit(main())
