"""Management commands without Python's start: a process that has loaded Django forks for each.

The tapes call a hundred commands, each of which takes 0.7 s as `python manage.py NAME` and 0.05 s
so; arguments, environment, output and exit code are the same. `main` is the process that forks;
run as a script, the file is what stands for `python manage.py`: SOCKET NAME ARGUMENTS…
"""

import json
import os
import signal
import socket
import sys


def main(address: str) -> None:
    import django
    from django.core.management import get_commands, load_command_class

    django.setup()
    for name, application in get_commands().items():
        if not application.startswith("django"):
            load_command_class(application, name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(32)
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(asked)
            asked.close()


def _answer(asked: socket.socket) -> None:
    """In the child: one command, then the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(asked, 1 << 20, 2)
    said = json.loads(message)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.environ.update(said["environment"])
    from django.core.management import execute_from_command_line

    code = 0
    try:
        execute_from_command_line(["manage.py", *said["arguments"]])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    asked.sendall(bytes([code]))
    os._exit(0)


if __name__ == "__main__":
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(sys.argv[1])
        message = {"arguments": sys.argv[2:], "environment": dict(os.environ)}
        socket.send_fds(server, [json.dumps(message).encode()], [1, 2])
        code = server.recv(1)
    sys.exit(code[0] if code else 70)
