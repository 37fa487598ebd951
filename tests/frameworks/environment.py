"""Where a framework is installed: an environment of its own, renewed when its list changes."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.frameworks.about import HERE, ROOT, About

PLACE = ROOT / ".venv-frameworks"

ALWAYS = ("pytest>=8.3", "pytest-timeout>=2.3")


def python_of(name: str) -> Path:
    """The Python of a framework's environment."""
    return PLACE / name / "bin" / "python"


def node_of(name: str) -> Path:
    """Where a framework's packages for Node are: programs that import them have to lie there."""
    return PLACE / name / "node"


def install(name: str, about: About) -> None:
    """Makes the environment, if it is not there as it has to be. Raises `CalledProcessError`."""
    folder, python = HERE / name, python_of(name)
    pins, more = folder / "constraints.txt", folder / "requirements.txt"
    stamp = PLACE / name / "installed"
    packages = [folder / "package.json", folder / "package-lock.json"]
    wanted = _digest(about, pins, more, *packages, ROOT / "pyproject.toml")
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PLACE / name], check=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "install",
    ]
    what: list[str | Path] = ["--constraint", pins]
    what += ["--editable", f".[{','.join(about.extras)}]", *ALWAYS]
    if more.is_file():
        what += ["--requirement", more]
    subprocess.run([*pip, *what], cwd=ROOT, check=True)
    if packages[0].is_file():
        _install_packages(node_of(name), packages)
    stamp.write_text(wanted)


def _install_packages(place: Path, packages: list[Path]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not there: these tests need Node 20 or newer")
    place.mkdir(exist_ok=True)
    for file in packages:
        shutil.copy(file, place)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, check=True
    )


def _digest(about: About, *files: Path) -> str:
    digest = sha256(repr((about.extras, ALWAYS)).encode())
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()
