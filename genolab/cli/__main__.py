"""``python -m genolab.cli``."""

import sys

from genolab.cli import main

sys.exit(main())
