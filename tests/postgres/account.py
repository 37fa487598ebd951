"""Whom a server runs as. PostgreSQL refuses root: then it is a user who owns nothing else."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from attrs import frozen

NOBODIES = ("nobody", "postgres", "daemon")
"""Of these the first one that there is; a user without an entry `initdb` does not take."""

IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- the folder made in it is for one account
ROOM = 1024**3
"""Bytes that have to be free there: a container may have a few megabytes."""

MAX_FOLDER = 80
"""Characters of a server's folder: a socket's path has 107 bytes, on other systems fewer."""


class NoServer(Exception):
    """No server can be started here. The text says what to do."""


@frozen
class Account:
    """A user and group, if they are others than this process's own."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def ordinary(cls) -> "Account":
        """Raises `NoServer` where there is only root, and where this is no Unix."""
        try:
            import pwd  # here, as these fixtures are there for all tests, and those run on Windows
        except ImportError:
            raise NoServer(
                "only on a Unix a server is started by the tests: set AGENT_RUNTIME_TEST_POSTGRES "
                "to the URL of one on which databases may be created"
            ) from None
        if os.geteuid() != 0:
            return cls()
        for name in NOBODIES:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise NoServer(
            "PostgreSQL does not run as root, and there is no other user: run the tests as one, "
            f"or add one of {', '.join(NOBODIES)} to /etc/passwd"
        )

    def own(self, folder: Path) -> None:
        """Makes a folder of ours this account's."""
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    def may_enter(self, folder: Path) -> bool:
        """Whether it comes as far as into this folder."""
        if self.uid is None:
            return os.access(folder, os.X_OK)
        return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))

    def new_folder(self, *, in_memory: bool = False) -> Path:
        """An empty folder for a server, to be removed by the caller; in memory if there is room.

        Not pytest's `tmp_path`: that lies in a folder that only the tests' own user may enter.
        """
        places = [Path(place) for place in (tempfile.gettempdir(), "/tmp", "/var/tmp")]  # noqa: S108
        if in_memory and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM:
            places.insert(0, IN_MEMORY)
        for place in places:
            if place.is_dir() and len(str(place)) < MAX_FOLDER and self.may_enter(place.resolve()):
                folder = Path(tempfile.mkdtemp(prefix="pg-", dir=place))
                self.own(folder)
                return folder
        raise NoServer(
            f"none of {', '.join(map(str, places))} is a folder that every user may enter, "
            "with a name short enough for a socket: set TMPDIR to one"
        )
