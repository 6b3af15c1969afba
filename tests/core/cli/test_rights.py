"""Root's command in the repository of somebody else: what its owner gets to hold, and what root gets to see."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.others import Others, done, needs_root
from tests.support.users import SOMEBODY

pytestmark = needs_root

# What the owner can do to the process that works for root, from a process of the same session.
ATTACK = """
import errno, fcntl, json, os, sys, termios

def tried(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def typed(fd):
    for byte in b"id\\n":
        fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))

of_jvs = f"/proc/{os.getppid()}"
print(json.dumps({
    "uid": os.stat(of_jvs).st_uid,
    "pid": os.getppid(),
    "own_terminal": tried(lambda: os.open("/dev/tty", os.O_RDWR)),
    "by_name": [tried(lambda: os.open(name, os.O_RDWR)) for name in sys.argv[1:]],
    "typed": [tried(lambda: typed(fd)) for fd in (0, 1, 2)],
    "terminal": open(of_jvs + "/stat").read().rpartition(")")[2].split()[4],
    "streams": [os.readlink(f"{of_jvs}/fd/{fd}").partition(":")[0] for fd in (0, 1, 2)],
    "files": [os.readlink(f"{of_jvs}/fd/{fd}") for fd in os.listdir(of_jvs + "/fd") if int(fd) > 2],
    "folder": os.readlink(of_jvs + "/cwd"),
    "arguments": open(of_jvs + "/cmdline").read(),
}), flush=True)
"""


class Terminal:
    """A terminal of root's, with the command in its foreground."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        self.seen = b""

    def start(self, command: Others, *args: str, cwd: Path) -> subprocess.Popen[bytes]:
        """Start the command as root's shell on it would."""

        def sit_down() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        streams = dict.fromkeys(("stdin", "stdout", "stderr"), self.slave)
        return command.start(*args, uid=0, cwd=cwd, start_new_session=True, preexec_fn=sit_down, **streams)

    def watch(self, child: subprocess.Popen[bytes], until: bytes | None = None) -> bytes:
        """Return what is shown until the command ends, or until it shows something."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ended = child.poll() is not None
            while select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 1 << 16)
            if ended or (until is not None and until in self.seen):
                return self.seen
        raise AssertionError(self.seen)

    def typed(self) -> bool:
        """Return whether anything waits to be read by root's shell."""
        return bool(select.select([self.slave], [], [], 0)[0])


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    os.close(made.master)
    os.close(made.slave)


@pytest.fixture
def attack(place: Path) -> list[str]:
    """Return the line that runs the attack in the owner's repository, under its lock."""
    (place / "attack.py").write_text(ATTACK)
    return ["lock", "run", "--", "/usr/bin/env", "python3", str(place / "attack.py")]


def python(command: Others, program: str) -> list[str]:
    """Return the line that runs a program of the owner's under the lock."""
    return ["lock", "run", "--", command.python, "-c", program]


def answer(shown: bytes | str) -> dict[str, Any]:
    """Return what the attack found."""
    text = shown.decode() if isinstance(shown, bytes) else shown
    found: dict[str, Any] = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    assert found["uid"] == SOMEBODY
    return found


def test_the_owner_cannot_type_into_roots_terminal(
    theirs: Path, command: Others, terminal: Terminal, attack: list[str]
) -> None:
    child = terminal.start(command, *attack, terminal.name, cwd=theirs / "main")
    found = answer(terminal.watch(child))
    assert child.returncode == 0
    assert (found["own_terminal"], found["by_name"], found["terminal"]) == ("ENXIO", ["EACCES"], "0")
    assert set(found["typed"]) == {"ENOTTY"}
    assert set(found["streams"]) <= {"pipe", "/dev/null"}
    assert not any("pts" in name or "tty" in name for name in found["files"])
    assert not terminal.typed()


def test_the_owner_gets_none_of_roots_descriptors(
    theirs: Path, command: Others, place: Path, attack: list[str]
) -> None:
    secret = place / "secret"
    secret.touch(mode=0o600)
    fd = os.open(secret, os.O_RDWR)
    try:
        with open(secret, "rb") as given:
            child = command.start(*attack, uid=0, cwd=theirs / "main", pass_fds=[fd], stdin=given, stderr=fd)
            found = answer(child.communicate(timeout=60)[0])
    finally:
        os.close(fd)
    assert str(secret) not in [*found["files"], *found["streams"]]
    assert found["streams"] == ["pipe", "pipe", "pipe"]


@pytest.mark.parametrize("named", [["--repo", "../theirs/r"], ["--repo=../theirs/r"]])
def test_the_owner_is_not_led_into_a_folder_that_is_closed_to_them(
    theirs: Path, command: Others, place: Path, attack: list[str], named: list[str]
) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    ran = done(command(*named, *attack, uid=0, cwd=private))
    assert f"jvs: uid {SOMEBODY} cannot enter the current folder: continuing in {theirs}" in ran.stderr
    found = answer(ran.stdout)
    assert found["folder"] == str(theirs)
    assert "private" not in found["arguments"]
    found = answer(done(command(*attack, uid=0, cwd=theirs / "main")).stdout)
    assert found["folder"] == str(theirs / "main")


def test_a_repository_that_its_owner_cannot_reach_is_refused(
    theirs: Path, command: Others, place: Path
) -> None:
    theirs.parent.chmod(0o700)
    os.chown(theirs.parent, 0, 0)
    ran = command("status", uid=0, cwd=theirs)
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-2:] == [
        f"jvs: E_UNTRUSTED_REPOSITORY: {theirs} belongs to uid {SOMEBODY}, who cannot enter it",
        "hint: that user may not enter the parent folders: run jvs as a user who may",
    ]


def test_the_owners_home_cannot_change_what_the_command_is(
    theirs: Path, command: Others, place: Path
) -> None:
    done(command("status", uid=0, cwd=theirs))
    version = subprocess.check_output(
        [command.python, "-c", "import site; print(site.getusersitepackages())"],
        env={"HOME": str(place / "owners" / str(SOMEBODY))},
        text=True,
    ).strip()
    Path(version).mkdir(parents=True)
    (Path(version) / "usercustomize.py").write_text("print('taken over')")
    (theirs / "main" / "click.py").write_text("print('taken over')")
    assert "taken over" not in done(command("history", uid=0, cwd=theirs / "main")).stdout


BOTH = """
import hashlib, sys, threading
def write(stream, seed):
    for number in range(300):
        stream.write(hashlib.shake_128(b"%d %d" % (seed, number)).digest(10_007))
    stream.flush()
threads = [threading.Thread(target=write, args=each) for each in ((sys.stdout.buffer, 1), (sys.stderr.buffer, 2))]
[each.start() for each in threads]
[each.join() for each in threads]
"""


def test_both_streams_arrive_to_the_byte(theirs: Path, command: Others) -> None:
    child = command.start("-q", *python(command, BOTH), uid=0, cwd=theirs / "main")
    out, err = child.communicate(timeout=60)
    for seed, found in ((1, out), (2, err)):
        wanted = b"".join(
            hashlib.shake_128(b"%d %d" % (seed, number)).digest(10_007) for number in range(300)
        )
        assert found == wanted
    assert child.returncode == 0


def test_files_and_json_arrive_to_the_byte(theirs: Path, command: Others) -> None:
    data = bytes(range(256)) * 8_000
    (theirs / "main" / "blob").write_bytes(data)
    os.chown(theirs / "main" / "blob", SOMEBODY, SOMEBODY)
    done(command("snapshot", "blob", "--lock", uid=0, cwd=theirs / "main"))
    with command.start("-q", "cat", "HEAD", "blob", uid=0, cwd=theirs / "main") as child:
        assert child.communicate(timeout=60) == (data, b"")
    ran = done(command("-q", "--json", "history", uid=0, cwd=theirs / "main"))
    assert ran.stdout == done(command("--json", "history", uid=SOMEBODY, cwd=theirs / "main")).stdout


def test_one_file_for_both_streams_keeps_their_order(theirs: Path, command: Others) -> None:
    program = "import os; [os.write(1 + number % 2, b'%d ' % number) for number in range(2000)]"
    line = python(command, program)
    child = command.start("-q", *line, uid=0, cwd=theirs / "main", stderr=subprocess.STDOUT)
    assert child.communicate(timeout=60)[0] == b"".join(b"%d " % number for number in range(2000))


def test_what_is_given_on_stdin_arrives(theirs: Path, command: Others) -> None:
    data = hashlib.shake_128(b"in").digest(3_000_001)
    line = ["-q", "lock", "run", "--", "cat"]
    with command.start(*line, uid=0, cwd=theirs / "main", stdin=subprocess.PIPE) as child:
        assert child.communicate(data, timeout=60) == (data, b"")


def test_a_command_that_reads_nothing_leaves_stdin_alone(theirs: Path, command: Others) -> None:
    ours, given = os.pipe()
    os.write(given, b"the next command")
    with command.start("status", uid=0, cwd=theirs, stdin=ours) as child:
        child.communicate(timeout=60)
    assert os.read(ours, 100) == b"the next command"
    os.close(ours)
    os.close(given)


def test_nobody_reading_and_nowhere_to_write(theirs: Path, command: Others) -> None:
    ours, given = os.pipe()
    os.close(ours)
    with command.start("history", uid=0, cwd=theirs, stdout=given) as child:
        os.close(given)
        child.communicate(timeout=60)
    assert child.returncode == 0
    with open("/dev/full", "wb") as full:
        child = command.start("history", uid=0, cwd=theirs, stdout=full)
        assert b"no space left: writing the output" in child.communicate(timeout=60)[1]
    assert child.returncode != 0


def test_output_ends_with_the_command_whoever_holds_its_pipes(theirs: Path, command: Others) -> None:
    began = time.monotonic()
    ran = done(command("lock", "run", "--", "sh", "-c", "sleep 20 & echo said", uid=0, cwd=theirs / "main"))
    assert ran.stdout == "said\n"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 128 + signal.SIGTERM),
        ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
def test_the_exit_status_is_the_commands(theirs: Path, command: Others, program: str, status: int) -> None:
    assert command(*python(command, program), uid=0, cwd=theirs / "main").returncode == status


WAITS = """
import os, signal
awaited = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
print("jvs is", os.getppid(), flush=True)
print("heard", signal.sigwait(awaited).value, flush=True)
raise SystemExit(9)
"""


def ready(said: bytes) -> int:
    """Return the number of the owner's process once it passes signals on."""
    owners = int(said.partition(b"jvs is ")[2].split()[0])
    status = Path(f"/proc/{owners}/status")
    while True:
        rows = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if int(rows["SigCgt"], 16) & 1 << (signal.SIGHUP - 1):
            return owners
        time.sleep(0.01)


@contextmanager
def waiting(theirs: Path, command: Others) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Give the block root's process and the number of the owner's, whose command waits for a signal."""
    with command.start(*python(command, WAITS), uid=0, cwd=theirs / "main") as child:
        assert child.stdout is not None
        yield child, ready(child.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(theirs: Path, command: Others, number: signal.Signals) -> None:
    with waiting(theirs, command) as (child, _):
        child.send_signal(number)
        assert child.communicate(timeout=30)[0] == b"heard %d\n" % number
    assert child.returncode == 9


def test_the_owners_process_dies_with_roots(theirs: Path, command: Others) -> None:
    with waiting(theirs, command) as (child, owners):
        running = os.pidfd_open(owners)
        child.kill()
        assert select.select([running], [], [], 30)[0]
        os.close(running)


def test_ctrl_c_on_the_terminal_arrives(theirs: Path, command: Others, terminal: Terminal) -> None:
    child = terminal.start(command, *python(command, WAITS), cwd=theirs / "main")
    ready(terminal.watch(child, until=b"jvs is"))
    os.write(terminal.master, b"\x03")
    assert b"heard 2" in terminal.watch(child)
    assert child.returncode == 9


def test_a_terminal_gets_text_and_colours_only(theirs: Path, command: Others, terminal: Terminal) -> None:
    program = (
        r"import os; os.write(1, b'\x1b[31mred \x1b[6n\x1b]0;t\x07\xff\xc3\xa4\n'); os.write(2, b'\x1b[2J')"
    )
    child = terminal.start(command, *python(command, program), cwd=theirs / "main")
    shown = terminal.watch(child)
    assert b"\x1b[31mred \\x1b[6n\\x1b]0;t\\x07\\xff" in shown
    assert shown.endswith(b"\x1b[0m")
    assert shown.count(b"\x1b") == 2


def test_on_a_terminal_too_nothing_is_asked(theirs: Path, command: Others, terminal: Terminal) -> None:
    line = ["restore", "HEAD", "--inplace", "--reason", "why"]
    child = terminal.start(command, *line, cwd=theirs / "main")
    shown = terminal.watch(child)
    assert child.returncode == 2
    assert b"E_USAGE" in shown
    assert b"hint: add --force" in shown
