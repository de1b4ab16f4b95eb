"""A runner process: `python -m sessions_app.dispatch NAME FD [--suspects]`, started by runner_child.py."""

import sys

import django

if __name__ == "__main__":
    django.setup()

    from sessions_app.dispatch.runner_process import RunnerProcess  # models need the setup

    name, descriptor, *options = sys.argv[1:]
    RunnerProcess(name, int(descriptor), plays_suspects="--suspects" in options).run()
