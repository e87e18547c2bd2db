"""The command line with the double as its engine: `python -m tests.cli.asking WORKER ARGUMENTS…`.

WORKER is the double's command line as a JSON list.
"""

import functools
import json
import sys

from app.__main__ import main
from app.chat.opening import open_desk
from app.cli import ask

if __name__ == "__main__":
    ask.__dict__["open_desk"] = functools.partial(open_desk, worker=json.loads(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
