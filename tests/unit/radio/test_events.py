# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from scsc_core.radio import EVENT_KINDS, Event, EventLog


def test_events_of_a_kind_are_one_entry_with_the_first_time():
    log = EventLog()

    log.add("overflow", 1.0, detail="first")
    log.add("late", 1.5)
    log.add("overflow", 2.0, 3, "second")

    assert log.take() == [Event("overflow", 1.0, 4, "second"), Event("late", 1.5)]
    assert log.take() == []
    assert log.counts == {"overflow": 4, "late": 1}


def test_a_flood_of_events_needs_no_memory():
    log = EventLog()

    for number in range(10_000):
        log.add("malformed", number)

    assert len(log.take()) == 1 and log.counts["malformed"] == 10_000


def test_nothing_is_no_event():
    log = EventLog()

    log.add("clip", 0.0, 0)

    assert log.take() == [] and not log.counts


def test_unknown_kind_is_a_mistake_of_the_program():
    with pytest.raises(KeyError):
        EventLog().add("broken", 0.0)


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_kind_explains_itself(kind):
    text = str(Event(kind, 0.0, 2, "some detail"))

    assert text.startswith(f"{kind} x 2: ") and "some detail" in text
