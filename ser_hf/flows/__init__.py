"""The flows, one a file, each readable from top to bottom: train, build, evaluate."""
