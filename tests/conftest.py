"""Settings of the test run itself."""

import logging

logging.getLogger("httpx").setLevel(logging.WARNING)  # one line a request is too much
