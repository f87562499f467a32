"""Lets ``python -m sentiment_kit …`` do what the command ``sentiment-kit …`` does."""

import sys

from sentiment_kit.cli import main

if __name__ == "__main__":
    sys.exit(main())
