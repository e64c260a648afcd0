"""``python -m ser_hf.cli``, which is what ``accelerate launch -m`` starts."""

import sys

from . import main

sys.exit(main())
