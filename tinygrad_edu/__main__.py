"""``python -m tinygrad_edu``: the command line."""

import sys

from tinygrad_edu.cli.commands import main

sys.exit(main())
