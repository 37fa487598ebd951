from runtime.statistics import Histogram, HistogramCounter


def test_a_value_is_counted_below_the_first_bound_that_it_does_not_exceed() -> None:
    counter = HistogramCounter((1, 2, 4))
    for value in (0.5, 1, 1.5, 4, 5, 100):
        counter.observe(value)
    assert counter.snapshot() == Histogram((1, 2, 4), (2, 1, 1, 2), 112)


def test_a_snapshot_does_not_change_afterwards() -> None:
    counter = HistogramCounter((1,))
    before = counter.snapshot()
    counter.observe(1)
    assert before == Histogram((1,), (0, 0), 0)
