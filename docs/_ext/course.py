"""The notebooks as pages: executed ones from the gallery when it was made, else those of the repository."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Lesson", "lessons", "write_course"]

WITHOUT_OUTPUTS = """:::{note}
These pages were built without `make gallery`, so the notebooks show no figures and no outputs here.
`volkit lab` opens them in JupyterLab, where every one of them runs offline in under a minute.
:::
"""
EXECUTED = "Every page was run from top to bottom, offline, when this site was built.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One notebook: its file, what it asks, what it answers, and a picture of it when it was run."""

    path: Path
    number: int
    question: str
    answer: str
    simulated: bool
    thumb: Path | None = None
    alt: str = ""


def lessons(docs: Path) -> list[Lesson]:
    """Return the lessons in the order of the course."""
    gallery = docs / "_build" / "gallery"
    record = gallery / "gallery.json"
    if record.exists():
        listed = json.loads(record.read_text())
        entries = listed if isinstance(listed, list) else listed["notebooks"]
        made = [
            Lesson(
                path=gallery / f"{entry['stem']}.ipynb",
                number=int(entry["number"]),
                question=entry["question"],
                answer=entry["answer"],
                simulated=bool(entry["simulated"]),
                thumb=gallery / entry["thumb"] if entry.get("thumb") else None,
                alt=" ".join(entry.get("alt", "").split()),
            )
            for entry in entries
        ]
        if made and all(lesson.path.exists() for lesson in made):
            return sorted(made, key=lambda lesson: lesson.number)
    return [_unexecuted(path) for path in sorted((docs.parent / "notebooks").glob("[0-9][0-9]_*.ipynb"))]


def write_course(docs: Path) -> None:
    """Copy the notebooks to `docs/notebooks` and write their index."""
    target = docs / "notebooks"
    course = lessons(docs)
    wanted = {"index.md"}
    (target / "thumbs").mkdir(parents=True, exist_ok=True)
    for lesson in course:
        wanted.add(lesson.path.name)
        _copy(lesson.path, target / lesson.path.name)
        if lesson.thumb is not None:
            _copy(lesson.thumb, target / "thumbs" / lesson.thumb.name)
    for old in target.glob("*.ipynb"):
        if old.name not in wanted:
            old.unlink()
    text = _index(course)
    index = target / "index.md"
    if not index.exists() or index.read_text() != text:
        index.write_text(text)


def _unexecuted(path: Path) -> Lesson:
    first = "".join(json.loads(path.read_text())["cells"][0]["source"])
    question, _, rest = first.partition("\n")
    answer = rest.strip().split("\n\n")[0].replace("**The answer.**", "").replace("\n", " ").strip()
    return Lesson(
        path=path,
        number=int(path.stem[:2]),
        question=question.removeprefix("# ").strip(),
        answer=answer,
        simulated="simulated" in first.lower(),
    )


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def _index(course: list[Lesson]) -> str:
    cards = []
    for lesson in course:
        picture = ""
        if lesson.thumb is not None:
            alt = lesson.alt or "A figure of the notebook"
            picture = f":img-top: thumbs/{lesson.thumb.name}\n:img-alt: {alt}\n"
        stamp = "\n*With simulated data, said so where they show.*\n" if lesson.simulated else ""
        cards.append(
            f":::{{grid-item-card}} {lesson.number}. {lesson.question}\n:link: {lesson.path.stem}\n:link-type: doc\n"
            f"{picture}:class-card: lesson\n\n{lesson.answer}\n{stamp}:::\n"
        )
    executed = any(lesson.thumb is not None for lesson in course)
    names = "\n".join(lesson.path.stem for lesson in course)
    return (
        f"# Notebooks\n\nA course in {_counted(len(course))} questions. Each notebook asks one, answers it on its\n"
        "first screen, and its last cell checks the numbers in the words.\n\n"
        + (EXECUTED if executed else WITHOUT_OUTPUTS)
        + "\n::::{grid} 1 2 2 3\n:gutter: 3\n\n"
        + "\n".join(cards)
        + "::::\n\n```{toctree}\n:hidden:\n\n"
        + names
        + "\n```\n"
    )


def _counted(count: int) -> str:
    words = {14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 20: "twenty"}
    return words.get(count, str(count))
