"""Checkpoints at work on recordings."""

from .classifier import SerClassifier

__all__ = ["SerClassifier"]
