"""Embedded servers: they start anywhere, stay private, and never outlive who started them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded, place
from tests.config import processes

ASK = """
import os, psycopg, redis
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    print(*connection.execute(
        "SELECT current_user, rolsuper, current_setting('fsync'),"
        " current_setting('server_encoding') FROM pg_roles WHERE rolname = current_user"
    ).fetchone())
print(redis.Redis.from_url(os.environ["REDIS_URL"]).ping())
"""


def command(data_dir: Path, *program: str) -> list[str]:
    return [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "--", *program]


def run(data_dir: Path, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data_dir, *program),
        env=processes.environment(data_dir),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def started(data_dir: Path, script: str) -> subprocess.Popen[str]:
    """A command that has begun, and says so."""
    script = f"print('begun', flush=True)\n{script}"
    process = subprocess.Popen(
        command(data_dir, sys.executable, "-c", script),
        env=processes.environment(data_dir),
        cwd=processes.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal: what runs the tests in the background may ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_command_finds_both_servers_and_its_exit_code_is_handed_on(folder: Path) -> None:
    done = run(folder, sys.executable, "-c", f"{ASK}\nraise SystemExit(7)")
    assert done.stdout.splitlines() == ["seatkeeper False on UTF8", "True"], done.stderr
    assert done.returncode == 7
    assert processes.left_over(folder) == []


def test_data_is_there_again_at_the_next_start(folder: Path) -> None:
    with embedded.start(folder) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        redis.Redis.from_url(servers.addresses.redis_url).set("kept", "1")
        assert servers.addresses == embedded.addresses(folder)
    with embedded.start(folder) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        assert redis.Redis.from_url(servers.addresses.redis_url).get("kept") == b"1"


def test_nobody_comes_in_without_the_password(folder: Path) -> None:
    with embedded.start(folder) as servers:
        kept = json.loads((folder / "embedded.json").read_text())
        wrong = servers.addresses.database_url.replace(kept["database_password"], "wrong")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=kept["port"]).ping()
        for name in ("embedded.json", "embedded.lock"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        lines = " ".join(processes.left_over(folder))
        assert kept["postgres_password"] not in lines
        assert kept["valkey_password"] not in lines


def test_two_folders_run_side_by_side(folder: Path) -> None:
    with embedded.start(folder / "one") as one, embedded.start(folder / "two") as two:
        assert one.addresses != two.addresses
        for servers in (one, two):
            psycopg.connect(servers.addresses.database_url).close()


def test_a_second_start_on_the_same_folder_says_who_has_it(folder: Path) -> None:
    with embedded.start(folder, valkey=False):
        done = run(folder, "true")
    assert done.returncode == 1
    assert f"run already, started by process {os.getpid()}. Stop that one, or" in done.stderr


def test_a_killed_parent_leaves_no_process_and_the_next_start_works(folder: Path) -> None:
    process = started(folder, "import time; time.sleep(600)")
    port = json.loads((folder / "embedded.json").read_text())["port"]
    assert processes.serves(port)
    process.kill()
    process.wait()
    assert processes.eventually(lambda: not processes.left_over(folder))
    assert processes.eventually(lambda: not processes.serves(port))
    assert run(folder, sys.executable, "-c", ASK).returncode == 0


def test_even_a_killed_guard_leaves_no_process(folder: Path) -> None:
    with embedded.start(folder) as servers:
        os.kill(servers.group.pid, signal.SIGKILL)
        if sys.platform == "linux":
            assert processes.eventually(lambda: not processes.left_over(folder / "servers"))
        assert processes.eventually(lambda: servers.ended() is not None)
    with embedded.start(folder):  # what was left of it is no obstacle
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_then_the_servers(
    folder: Path, number: signal.Signals
) -> None:
    process = started(folder, "import time; time.sleep(600)")
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    assert processes.left_over(folder) == []


def test_a_server_that_dies_is_told(folder: Path) -> None:
    process = started(folder, "import time; time.sleep(2)")
    pid = (folder / "servers/postgres/data/postmaster.pid").read_text().split()[0]
    os.kill(int(pid), signal.SIGKILL)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "PostgreSQL ended with exit code -9." in said


def test_a_pid_file_of_another_program_is_no_obstacle(folder: Path) -> None:
    with embedded.start(folder, valkey=False):
        pass
    stale = folder / "servers/postgres/data/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{folder}\n")
    with embedded.start(folder, valkey=False):
        pass


def test_a_port_that_somebody_else_took_is_replaced(folder: Path) -> None:
    before = embedded.addresses(folder).redis_url
    port = json.loads((folder / "embedded.json").read_text())["port"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with embedded.start(folder, postgres=False) as servers:
            assert servers.addresses.redis_url != before
            assert redis.Redis.from_url(servers.addresses.redis_url).ping()
    assert embedded.addresses(folder) == servers.addresses


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(folder: Path) -> None:
    long = folder / ("x" * 100)
    with embedded.start(long, valkey=False) as servers:
        psycopg.connect(servers.addresses.database_url).close()
    shutil.rmtree(place.Place(long).sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another user")
def test_root_keeps_closed_what_is_closed(folder: Path) -> None:
    """The servers run as `nobody`, who cannot reach the folder: they live elsewhere."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / "data"
    home = place.Place(data_dir).home
    try:
        with embedded.start(data_dir) as servers:
            assert not home.is_relative_to(closed)
            psycopg.connect(servers.addresses.database_url).close()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another user")
def test_root_runs_a_copy_where_nobody_cannot_reach_the_wheels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaches = place.Runner.reaches

    def not_the_wheels(self: place.Runner, path: Path) -> bool:
        return "site-packages" not in str(path) and reaches(self, path)

    monkeypatch.setattr(place.Runner, "reaches", not_the_wheels)
    with embedded.start(folder) as servers:
        psycopg.connect(servers.addresses.database_url).close()
        assert redis.Redis.from_url(servers.addresses.redis_url).ping()
        assert any(str(folder / "servers/software") in line for line in processes.left_over(folder))


def test_without_software_it_says_what_to_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(embedded.EmbeddedError, match="set DATABASE_URL and REDIS_URL"):
        embedded.start(folder)


def test_a_lost_password_file_is_told_at_once(folder: Path) -> None:
    with embedded.start(folder, valkey=False):
        pass
    (folder / "embedded.json").unlink()
    with pytest.raises(embedded.EmbeddedError, match="Bring that file back"):
        embedded.start(folder, valkey=False)


def test_the_secret_key_is_one_however_many_ask_first(folder: Path) -> None:
    keys: set[str] = set()
    threads = [
        threading.Thread(target=lambda: keys.add(embedded.secret_key(folder))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 1
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_temporary_servers_leave_no_folder(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "config.embedded", "--temporary", "--", "env"],
        env=processes.environment(folder),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert not Path(values["SEATKEEPER_DATA"]).exists()
    assert values["SEATKEEPER_DATA"] in values["DATABASE_URL"]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("postgres://u:p@/seatkeeper?host=/var/run", True),
        ("postgres://u:p@127.0.0.1:5432/seatkeeper", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("postgres://u:p@database.example/seatkeeper", False),
        ("https://seatkeeper.example", False),
        ("http://127.0.0.1.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_which_addresses_lead_to_this_machine(url: str, here: bool) -> None:
    assert embedded.on_this_machine(url) is here
