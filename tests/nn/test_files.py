"""Writing files whole or not at all."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from tinygrad_edu import nn
from tinygrad_edu.nn.files import write_whole


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file(step, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    path = tmp_path / "model.json"
    model = nn.Neuron(2, seed=1)
    model.save(path)
    before = path.read_bytes()
    model.w[0].data += 1
    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_file_keeps_its_permissions_its_link_and_a_device_stays_one(tmp_path):
    path, usual, link = tmp_path / "model.json", tmp_path / "usual", tmp_path / "link.json"
    nn.Neuron(1).save(path)
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    link.symlink_to(path)
    nn.Neuron(2).save(link)
    assert link.is_symlink()
    assert len(nn.Neuron.load(path).w) == 2
    assert path.stat().st_mode & 0o777 == 0o640
    nn.Neuron(1).save("/dev/null")
    assert not os.path.isfile("/dev/null")


def test_threads_may_save_to_one_file(tmp_path):
    model, errors = nn.Neuron(50, seed=0), []

    def save():
        try:
            for _ in range(10):
                model.save(tmp_path / "model.json")
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["model.json"]


def test_what_a_killed_process_leaves_is_named_after_its_target(tmp_path):
    code = "import os, signal, sys; from tinygrad_edu.nn import files; " \
           "files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL); files.write_whole(sys.argv[1], 'x')"  # fmt: skip
    path = tmp_path / "moons[1].json"
    path.write_text("old")
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    left, kept = sorted(tmp_path.iterdir())
    assert re.fullmatch(r"\.moons\[1\]\.json\.\w{8}\.tmp", left.name)
    assert kept.read_text() == "old"


def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path):
    for name in ("x" * 255, "模" * 85):
        write_whole(tmp_path / name, "1")
        assert (tmp_path / name).read_text() == "1"
