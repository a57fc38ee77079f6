"""The plan of the batches covers every row once, whatever the row groups."""

from hypothesis import given
from hypothesis import strategies as st

from agecli.pipeline.sharding import RowGroup, plan_batches

group_sizes = st.lists(st.integers(1, 60_000), min_size=1, max_size=80)


def groups_of(sizes):
    return [RowGroup(f"part-{i // 7}.parquet", i % 7, rows) for i, rows in enumerate(sizes)]


@given(group_sizes, st.integers(1, 200_000))
def test_every_row_group_is_in_exactly_one_batch(sizes, batch_rows):
    groups = groups_of(sizes)
    plan = plan_batches(groups, batch_rows)
    planned = [(p["file"], index) for item in plan for p in item["pieces"] for index in p["row_groups"]]
    assert planned == [(group.file, group.index) for group in groups]
    assert sum(item["rows"] for item in plan) == sum(sizes)
    assert [item["batch"] for item in plan] == list(range(len(plan)))


@given(st.integers(2, 200), st.integers(1, 20))
def test_equal_row_groups_are_balanced_to_within_one(count, per_batch):
    plan = plan_batches(groups_of([1000] * count), 1000 * per_batch)
    sizes = [item["rows"] for item in plan]
    assert max(sizes) - min(sizes) <= 1000


def test_a_batch_is_never_smaller_than_a_row_group():
    plan = plan_batches(groups_of([50_000, 50_000]), 10)
    assert [item["rows"] for item in plan] == [50_000, 50_000]
