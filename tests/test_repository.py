"""Rules for the whole repository: documents name what is there; nothing unsafe, nothing of one machine, nothing big."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MIB = 1 << 20
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {
    "print",
    "eval",
    "exec",
    "torch.load",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "np.load",
    "numpy.load",
}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|farm)/[a-z.]")
INDEX_ADDRESS = re.compile(r"https?://\S*(?:pypi|pythonhosted|npmjs|debian)|--(?:extra-)?index-url", re.IGNORECASE)
NAMED_PATH = re.compile(r"(?<![\w./-])((?:ser_hf|recipes|tests|dataset_scripts|\.ci)/[\w./*-]*+)(?![<{])")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def listed(*patterns: str) -> list[Path]:
    """The files git tracks or would track; all of them without a repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def relative(paths: list[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:1024] else data.decode("utf-8")


def missing_paths(text: str, folder: Path) -> list[str]:
    """Paths that a Markdown text names and that are not there: links from ``folder``, names from the root."""
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link) and not (folder / link).exists()]
    names = [name.rstrip(".") for name in NAMED_PATH.findall(text)]
    return links + [name for name in names if not any(ROOT.glob(name.rstrip("/")))]


def unsafe(source: str) -> list[str]:
    """Statements of a Python source that the package does not use."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            found.append(f"assert in line {node.lineno}")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS:
            found.append(f"{ast.unparse(node.func)}() in line {node.lineno}")
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE:
            found.append(str(node.module))
        elif isinstance(node, ast.ExceptHandler) and (
            node.type is None or ast.unparse(node.type).endswith("Exception")
        ):
            found.append(f"broad except in line {node.lineno}")
    return found


@pytest.mark.parametrize("name", relative(listed("*.md", ":!*/templates/*")))  # a template names what a run writes
def test_markdown_names_what_is_there(name):
    assert missing_paths(text_of(ROOT / name), (ROOT / name).parent) == []


def test_a_missing_path_is_found():
    text = "See `recipes/none/nothing.yaml`, [this](gone.md#top), `ser_hf/labels.py`, tests/*.py, recipes/<name>.yaml."
    assert missing_paths(text, ROOT) == ["gone.md", "recipes/none/nothing.yaml"]


@pytest.mark.parametrize("name", relative(listed("ser_hf/*.py")))
def test_the_package_uses_nothing_unsafe(name):
    assert unsafe(text_of(ROOT / name)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(f)",
        "yaml.load(t)",
        "np.load(f)",
        "print(1)",
        "assert x",
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
    ],
)
def test_something_unsafe_is_found(source):
    assert unsafe(source)


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_ADDRESS])
def test_no_address_of_one_machine(pattern):
    found = {f"{path.relative_to(ROOT)}: {hit[0]}" for path in listed() for hit in pattern.finditer(text_of(path))}
    assert found == set()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [(MACHINE_PATH, ["see ", "home", "ann", "data"]), (INDEX_ADDRESS, ["https:", "", "pypi.example", "simple"])],
)
def test_an_address_of_one_machine_is_found(pattern, words):
    assert pattern.search("/".join(words))


def test_nothing_big_is_tracked():
    limits = {"ser_hf/default_model/model.safetensors": 2 * MIB}
    assert [name for name in relative(listed()) if (ROOT / name).stat().st_size > limits.get(name, MIB)] == []


def test_the_lock_is_pinned_and_names_no_build():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []
