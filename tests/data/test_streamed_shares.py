"""Streams and shards on several processes and workers: every clip once, on one of them."""

from itertools import pairwise

import datasets
import pyarrow.parquet as pq
import pytest
from datasets.distributed import split_dataset_by_node
from torch.utils.data import DataLoader

from ser_hf.data import SerCorpus


@pytest.fixture(scope="module")
def builder(corpora_root, tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("streamed"))
    return SerCorpus(cache_dir=cache, config_name="savee", data_dir=str(corpora_root / "savee"))


@pytest.fixture(scope="module")
def clips(builder):
    builder.download_and_prepare()
    return sorted(builder.as_dataset(split="train")["clip_id"])


@pytest.fixture(scope="module")
def shards(builder, clips, tmp_path_factory):
    """The same clips as Parquet files of unequal length."""
    folder, rows = tmp_path_factory.mktemp("shards"), builder.as_dataset(split="train").data.table
    cuts = [0, 5, 20, 21, 40, len(clips)]
    for i, (start, end) in enumerate(pairwise(cuts)):
        pq.write_table(rows.slice(start, end - start), folder / f"{i}.parquet")
    return sorted(map(str, folder.glob("*.parquet")))


def seen(stream: datasets.IterableDataset, processes: int, workers: int) -> list[list[str]]:
    """The clips of each process."""
    found = []
    for rank in range(processes):
        share = split_dataset_by_node(stream.select_columns(["clip_id"]), rank, processes)
        loader = DataLoader(share, batch_size=None, num_workers=workers)
        found.append([row["clip_id"] for row in loader])
    return found


@pytest.mark.parametrize(("processes", "workers"), [(1, 0), (2, 0), (3, 0), (5, 0), (2, 2)])
def test_a_streamed_corpus_is_shared_out(builder, clips, processes, workers):
    """56 clips, each a shard of its own: 3 and 5 do not divide them."""
    found = seen(builder.as_streaming_dataset(split="train"), processes, workers)
    assert sorted(clip for share in found for clip in share) == clips
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize(("processes", "workers"), [(1, 0), (2, 0), (5, 0), (2, 2)])
def test_published_shards_are_shared_out(shards, clips, processes, workers):
    stream = datasets.load_dataset("parquet", data_files=shards, split="train", streaming=True)
    found = seen(stream, processes, workers)
    assert sorted(clip for share in found for clip in share) == clips


def test_a_shuffled_stream_is_shared_out(builder, clips):
    stream = builder.as_streaming_dataset(split="train").shuffle(seed=1, buffer_size=8)
    for epoch in range(2):
        stream.set_epoch(epoch)
        found = seen(stream, 2, 0)
        assert sorted(clip for share in found for clip in share) == clips
