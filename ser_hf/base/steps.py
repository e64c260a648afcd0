"""What is being done, for people who wait: shown by the command line, silent elsewhere."""

import logging

steps = logging.getLogger("ser_hf.steps")
"""Tells at the level of information; the command line lets it speak, in the main process."""
