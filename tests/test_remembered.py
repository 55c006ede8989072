from __future__ import annotations

from hooks.remembered import LONGEST, remembered


def test_a_short_text_is_worked_on_once_and_a_long_one_is_not_kept() -> None:
    asked: list[str] = []

    @remembered(2)
    def first(text: str) -> str:
        asked.append(text)
        return text[:1]

    short, long = "a" * LONGEST, "b" * (LONGEST + 1)
    assert ["a", "a", "b", "b"] == [first(text) for text in (short, short, long, long)]
    assert [short, long, long] == asked
    for text in ("1", "2", short):
        first(text)
    assert [short, long, long, "1", "2", short] == asked, "two are kept"
