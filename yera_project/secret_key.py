"""The secret key of a server that was given none: made once, kept in a file only its owner can read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def kept_secret_key(path: Path) -> str:
    """The key in `path`; made first if the file is not there. Safe when several processes start at once."""
    if not path.exists():
        # The file appears whole or not at all, and the first process to link it wins.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as file:
            file.write(get_random_secret_key())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()
