"""``python -m ser_hf.cli``, which is what ``accelerate launch -m`` starts."""

import sys

from ser_hf.cli import main

sys.exit(main())
