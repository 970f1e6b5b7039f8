"""The journal: an event is done once, and a line that was cut off is as if it were not there."""

from pathlib import Path

from pawl.jobs.cadence_journal import Journal


def test_an_event_is_done_once_also_by_the_next_process(tmp_path: Path) -> None:
    path, done = tmp_path / "home" / "journal.jsonl", []

    def work(name: str) -> dict[str, str]:
        done.append(name)
        return {"said": name}

    first = Journal(path)
    assert first.once("a", lambda: work("one")) == {"said": "one"}
    assert first.once("a", lambda: work("again")) == {"said": "one"}
    second = Journal(path)
    assert second.once("a", lambda: work("later")) == {"said": "one"}
    assert second.once("b", lambda: work("two")) == {"said": "two"}
    assert done == ["one", "two"]


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).once("a", lambda: {"n": 1})
    path.write_text(path.read_text() + '{"key": "b", "to')
    journal = Journal(path)
    assert journal.once("a", lambda: {"n": 9}) == {"n": 1}
    assert journal.once("b", lambda: {"n": 2}) == {"n": 2}
    assert len(Journal(path).path.read_text().splitlines()) == 2
