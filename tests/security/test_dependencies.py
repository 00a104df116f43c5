"""What is installed beside volkit: pinned by hash, from the index alone, under permissive licences."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

packaging = pytest.importorskip("packaging.requirements")

LOCK = Path(__file__).parents[2] / "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?==([^\s;\\]+)(\s*;[^\\]*)?\s*\\$")
ALLOWED = {
    "0BSD", "APACHE", "BSD", "CC0", "HPND", "ISC", "LLVM", "MIT", "MIT-CMU", "MPL", "NCSA", "PSF", "UNLICENSE", "ZLIB",
}  # fmt: skip
# Not named in the package's metadata: the words of the file that it ships.
BY_FILE = {"peewee": "Permission is hereby granted, free of charge"}
FAMILIES = {
    r"\bA?L?GPL\b|GNU|AGPL|LGPL": "GPL",
    r"BUSL|Business Source|SSPL|Commons Clause|Elastic|Non-?Commercial|Proprietary|EUPL|CC-BY-(NC|SA)": "RESTRICTED",
    r"Apache": "APACHE", r"0BSD": "0BSD", r"BSD": "BSD", r"MIT-CMU|HPND": "MIT-CMU", r"\bMIT\b": "MIT",
    r"MPL|Mozilla": "MPL", r"PSF|Python Software Foundation": "PSF", r"\bISC\b": "ISC", r"NCSA": "NCSA",
    r"zlib": "ZLIB", r"CC0": "CC0", r"Unlicense": "UNLICENSE", r"LLVM": "LLVM",
}  # fmt: skip


def pins():
    """Each distribution of the lock with the lines below its name."""
    found, name = {}, None
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            matched = PIN.match(line)
            assert matched, f"not a pin: {line}"
            name = f"{matched[1]}=={matched[3]}{(matched[4] or '').strip()}"
            found[name] = []
        elif line.strip().startswith("--hash"):
            found[name].append(line.strip().removesuffix("\\").strip())
        else:
            assert line.strip().startswith("#"), f"neither hash nor comment: {line}"
    return found


def test_every_distribution_of_the_lock_is_pinned_with_hashes():
    found = pins()

    assert len(found) > 150
    for name, hashes in found.items():
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", h) for h in hashes), name


def test_nothing_of_the_lock_comes_from_an_address_or_a_folder():
    text = LOCK.read_text(encoding="utf-8")

    assert not re.search(r"://|\bgit\+|\bfile:|^-e |^--(index|extra-index|find-links|trusted-host)| @ ", text, re.M)


def runtime():
    """Names of the installed distributions that volkit's own dependencies pull in, extras not asked for."""
    seen, todo = set(), [("volkit-lab", frozenset())]
    while todo:
        name, extras = todo.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if (key, extras) in seen:
            continue
        try:
            needs = distribution(key).requires or []
        except PackageNotFoundError:
            continue
        seen.add((key, extras))
        for text in needs:
            need = packaging.Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in ("", *extras)):
                todo.append((need.name, frozenset(need.extras)))
    return sorted({name for name, _ in seen} - {"volkit-lab"})


def stated(name):
    """What a distribution says of its licence: the expression, else classifiers, else the first line of the text."""
    metadata = distribution(name).metadata
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    classifiers = [c for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    return "; ".join(classifiers) or (metadata.get("License") or "").split("\n")[0]


def families(text):
    found = {family for pattern, family in FAMILIES.items() if re.search(pattern, text, re.I)}
    # "A OR B" leaves the choice to us: a family that is not allowed may be left out.
    if " OR " in text and " AND " not in text:
        return found & ALLOWED or found
    return found


def test_every_runtime_dependency_has_a_permissive_licence():
    names = runtime()
    told = {name: families(stated(name)) for name in names if name not in BY_FILE}

    assert len(names) > 80
    assert {name: stated(name) for name, found in told.items() if not found or not found <= ALLOWED} == {}


@pytest.mark.parametrize(("name", "words"), BY_FILE.items())
def test_licences_known_by_their_file_are_as_they_were(name, words):
    if name not in runtime():
        pytest.skip(f"{name} is not installed")
    files = [f for f in distribution(name).files or [] if "LICENSE" in f.name.upper()]

    assert any(words in " ".join(f.read_text(encoding="utf-8").split()) for f in files)


@pytest.mark.parametrize(
    "text",
    ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v3", "BUSL-1.1", "LGPL-2.1 AND MIT", "SSPL", ""],
)
def test_a_licence_that_asks_for_more_is_found(text):
    assert not families(text) or not families(text) <= ALLOWED


@pytest.mark.parametrize("text", ["MIT", "BSD-3-Clause AND Zlib AND CC0-1.0", "GPL-2.0 OR MIT", "MPL-2.0 AND MIT"])
def test_a_licence_that_does_not_is_let_through(text):
    assert families(text) and families(text) <= ALLOWED
