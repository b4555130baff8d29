"""python -m gan_lessons: see `cli`."""

import sys

from gan_lessons.cli import main

if __name__ == "__main__":
    sys.exit(main())
