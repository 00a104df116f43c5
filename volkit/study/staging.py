"""A folder replaced in one step: written beside the old one, then put into its place."""

import os
import platform
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from volkit.errors import StudyError

__all__ = ["recover", "replaced"]

_NEW, _OLD = ".tmp", ".old"


@contextmanager
def replaced(folder: Path, *, old: Collection[str], last: str) -> Iterator[Path]:
    """Hand out an empty folder whose files take the place of those in `folder` when the block ends without an error.

    Parameters
    ----------
    folder : Path
        What is replaced; need not exist. A process that dies at any moment leaves the old or the new folder. Where it
        cannot be renamed (a mount, a closed folder above, the folder one works in), the new files are moved in one by
        one instead.
    old : collection of str
        Relative paths of the files there that go. Others are kept.
    last : str
        Relative path of the file that vouches for the others: where files are moved one by one, it comes last.

    Raises
    ------
    StudyError
        When the disk is full or the folder cannot be written; then what was there before stays.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        stage = _name_beside(folder, _NEW) if _can_rename(folder) else folder / _name_beside(folder, _NEW).name
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield stage
        if stage.parent == folder:
            _move_in(stage, folder, old=old, last=last)
        else:
            _keep_strangers(folder, stage, old=old)
            _swap(stage, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put a folder back whose writer died in the instant between taking the old one away and moving the new one in."""
    if not folder.exists():
        for aside in _left_by_the_dead(folder, _OLD):
            with suppress(OSError):  # somebody else was quicker
                aside.rename(folder)
                return


def _unwritable(folder: Path, error: OSError) -> StudyError:
    return StudyError(f"{folder} cannot be written ({error.strerror or error}); what it held before is still there.")


def _can_rename(folder: Path) -> bool:
    if not os.access(folder.parent, os.W_OK | os.X_OK) or os.path.ismount(folder):
        return False
    return not (folder.exists() and Path.cwd().is_relative_to(folder))


def _name_beside(folder: Path, suffix: str) -> Path:
    # The writer's computer and number say whether it is still at work.
    return folder.with_name(f".{folder.name}.{platform.node()}-{os.getpid()}{suffix}")


def _left_by_the_dead(folder: Path, suffix: str) -> Iterator[Path]:
    start = f".{folder.name}.{platform.node()}-"
    for place in (folder.parent, folder):
        try:
            names = sorted(os.listdir(place))
        except OSError:  # not there, or not to be read: then nothing was left there either
            continue
        for name in names:
            number = name.removeprefix(start).removesuffix(suffix)
            if name == f"{start}{number}{suffix}" and number.isdecimal() and not _is_alive(int(number)):
                yield place / name


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # there a signal of zero ends the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _sweep(folder: Path) -> None:
    recover(folder)
    for suffix in (_NEW, _OLD):
        for left in _left_by_the_dead(folder, suffix):
            shutil.rmtree(left, ignore_errors=True)


def _keep_strangers(folder: Path, stage: Path, *, old: Collection[str]) -> None:
    """Copy what no run wrote, so that nothing of it is lost whenever the writer dies."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        name, is_folder = path.relative_to(folder), path.is_dir() and not path.is_symlink()
        if name.as_posix() not in old and not is_folder and not (stage / name).exists():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, stage / name, follow_symlinks=False)


def _swap(stage: Path, folder: Path) -> None:
    if not folder.exists():
        stage.rename(folder)
        return
    aside = _name_beside(folder, _OLD)
    folder.rename(aside)
    try:
        stage.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _move_in(stage: Path, folder: Path, *, old: Collection[str], last: str) -> None:
    new = sorted(
        (p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file()), key=lambda n: (n == last, n)
    )
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).replace(folder / name)
    for name in set(old) - set(new):
        if not (folder / name).resolve().is_relative_to(folder):
            continue  # a manifest from somebody else may name anything
        (folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # others are in it
            (folder / name).parent.rmdir()
