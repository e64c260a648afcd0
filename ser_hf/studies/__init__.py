"""Studies: many runs as one command, and one table of what they say."""

from .grid import Cell, StudyRun, expand
from .run_study import run_study
from .shipped_studies import STUDIES, find_study, study_names
from .study import Study, load_study, score_study

__all__ = [
    "STUDIES",
    "Cell",
    "Study",
    "StudyRun",
    "expand",
    "find_study",
    "load_study",
    "run_study",
    "score_study",
    "study_names",
]
