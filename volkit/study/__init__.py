"""A study: one TOML file, run once from top to bottom, written to a run folder, verified bit for bit."""

from volkit.study.export import export_run
from volkit.study.output import write_run
from volkit.study.run import StudyRun, run_study
from volkit.study.schemas import load_tables
from volkit.study.spec import StudySpec, find_study, load_study, study_names, study_schema
from volkit.study.verify import Verification, verify_run

__all__ = [
    "StudyRun",
    "StudySpec",
    "Verification",
    "export_run",
    "find_study",
    "load_study",
    "load_tables",
    "run_study",
    "study_names",
    "study_schema",
    "verify_run",
    "write_run",
]
