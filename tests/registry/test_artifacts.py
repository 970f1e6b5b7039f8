"""Content-addressed artifacts: whole, unchanged, or refused."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import CorruptArtifactError
from pawl.registry.artifacts import ArtifactStore

FILES = {"a.json": b"{}", "regime.safetensors": bytes(range(256))}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    assert store.load(store.save(FILES)) == FILES


def test_the_same_files_have_the_same_id_and_are_stored_once(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    first = store.save(FILES)
    count = len(list(tmp_path.rglob("*")))
    assert store.save(dict(reversed(FILES.items()))) == first
    assert len(list(tmp_path.rglob("*"))) == count


@given(position=st.integers(0, 255), bit=st.integers(0, 7))
def test_a_changed_bit_refuses_to_load(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    store = ArtifactStore(tmp_path_factory.mktemp("artifacts"))
    set_id = store.save(FILES)
    blob = next(path for path in store.root.rglob("*") if path.is_file() and path.stat().st_size == 256)
    content = bytearray(blob.read_bytes())
    content[position] ^= 1 << bit
    blob.write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=r"regime\.safetensors"):
        store.load(set_id)


def test_a_changed_manifest_and_a_lost_file_refuse_to_load(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    set_id = store.save(FILES)
    manifest = store.path_of(set_id)
    kept = manifest.read_bytes()
    manifest.write_bytes(kept.replace(b"a.json", b"b.json"))
    with pytest.raises(CorruptArtifactError, match="manifest"):
        store.load(set_id)
    manifest.unlink()
    with pytest.raises(CorruptArtifactError, match="is gone"):
        store.load(set_id)


def test_a_full_disk_is_told_and_what_stood_before_still_loads(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    set_id = store.save(FILES)
    # A limit on the size of files is a disk that is full, for this one process.
    script = f"""
import resource, signal
from pathlib import Path
from pawl.errors import StorageError
from pawl.registry.artifacts import ArtifactStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))
try:
    ArtifactStore(Path({str(tmp_path)!r})).save({{"big": b"x" * 100_000}})
except StorageError as error:
    print(error.what)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert store.load(set_id) == FILES
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_saving_the_same_files_again_mends_a_spoiled_one(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    set_id = store.save(FILES)
    blob = next(path for path in store.root.rglob("*") if path.is_file() and path.stat().st_size == 256)
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(CorruptArtifactError):
        store.load(set_id)
    assert store.save(FILES) == set_id
    assert store.load(set_id) == FILES


def test_a_removed_set_leaves_every_file_that_another_set_names(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    shared = {"scaler.json": b'{"mean": 1}', "stage2.bin": bytes(50)}
    kept = store.save({**shared, "stage1.bin": b"kept"})
    old, twin = store.save({**shared, "stage1.bin": b"old"}), store.save({"copy.bin": b"other", **shared})
    assert store.remove([old]) == 2  # its own stage 1, and its manifest
    assert store.load(kept) == {**shared, "stage1.bin": b"kept"}
    assert store.load(twin)["copy.bin"] == b"other"
    with pytest.raises(CorruptArtifactError):
        store.load(old)
    assert store.remove([old]) == 0
    assert store.remove([kept, twin]) == 6
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_removal_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactStore(tmp_path)
    old = store.save({name: name.encode() for name in "abcde"})
    left = 3
    unlink = Path.unlink

    def dies(path: Path, missing_ok: bool = False) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", dies)
    with pytest.raises(KeyboardInterrupt):
        store.remove([old])
    monkeypatch.undo()
    assert store.remove([old]) == 3
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
