"""A runner process: `python -m sessions_app.dispatch NAME FD`, started by local.py."""

import sys

import django

if __name__ == "__main__":
    django.setup()

    from sessions_app.dispatch.runner_process import RunnerProcess  # models need the setup

    RunnerProcess(name=sys.argv[1], descriptor=int(sys.argv[2])).run()
