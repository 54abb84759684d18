"""What every client does against Sluice: one list, run by each of them. A scenario takes a Run (see run.py) and asserts."""

import datetime
import json

LAST_HASH = 2**128 - 1
SHARD_0 = "shardId-000000000000"


def create_provisioned(run):
    name = run.stream(ShardCount=2, Tags={"team": "data"})
    described = run.call("DescribeStream", StreamName=name)["StreamDescription"]
    assert described["StreamARN"] == f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}", described
    assert described["StreamStatus"] == "ACTIVE" and described["RetentionPeriodHours"] == 24, described
    assert described["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}, described
    assert abs(described["StreamCreationTimestamp"] - run.now()) < datetime.timedelta(minutes=1), described
    ranges = [shard["HashKeyRange"] for shard in described["Shards"]]
    assert ranges == [{"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)},
                      {"StartingHashKey": str(2**127), "EndingHashKey": str(LAST_HASH)}], ranges
    assert described["HasMoreShards"] is False, described
    first = run.call("DescribeStream", StreamName=name, Limit=1)["StreamDescription"]
    assert first["HasMoreShards"] is True and len(first["Shards"]) == 1, first
    rest = run.call("DescribeStream", StreamName=name, ExclusiveStartShardId=SHARD_0)["StreamDescription"]
    assert [s["ShardId"] for s in rest["Shards"]] == ["shardId-000000000001"], rest
    assert run.call("ListTagsForStream", StreamName=name)["Tags"] == [{"Key": "team", "Value": "data"}]


def create_on_demand(run):
    name = run.stream(StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = run.call("DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"]["StreamMode"] == "ON_DEMAND" and summary["OpenShardCount"] == 4, summary
    assert "StreamId" not in summary, "with it, SDKs leave the endpoint they were given"


def waiters_and_deletion(run):
    name = run.stream(ShardCount=1)
    run.client.wait("StreamExists", StreamName=name)
    run.fails("ResourceInUseException", "CreateStream", StreamName=name, ShardCount=1)
    run.call("DeleteStream", StreamName=name)
    run.until_gone(name)
    run.client.wait("StreamNotExists", StreamName=name)
    run.fails("ResourceNotFoundException", "DescribeStreamSummary", StreamName=name)


def list_streams_in_pages(run):
    names = [run.stream(ShardCount=1) for _ in range(3)]
    page = run.call("ListStreams", Limit=2)
    found, pages = page["StreamNames"], 1
    assert len(found) == 2 and page["HasMoreStreams"] is True, page
    while page["HasMoreStreams"]:
        page = run.call("ListStreams", Limit=100, NextToken=page["NextToken"])
        found, pages = found + page["StreamNames"], pages + 1
    assert pages > 1 and set(names) <= set(found) and found == sorted(set(found)), found
    after = run.call("ListStreams", ExclusiveStartStreamName=names[0])["StreamNames"]
    assert after == found[found.index(names[0]) + 1:], after
    summaries = {s["StreamName"]: s for s in run.call("ListStreams")["StreamSummaries"]}
    assert summaries[names[0]]["StreamStatus"] == "ACTIVE", summaries


def list_shards_in_pages(run):
    name = run.stream(ShardCount=3)
    page = run.call("ListShards", StreamName=name, MaxResults=2)
    assert [s["ShardId"] for s in page["Shards"]] == [SHARD_0, "shardId-000000000001"], page
    page = run.call("ListShards", NextToken=page["NextToken"])
    assert [s["ShardId"] for s in page["Shards"]] == ["shardId-000000000002"] and "NextToken" not in page, page


def put_and_read(run):
    name = run.stream(ShardCount=1)
    one = run.call("PutRecord", StreamName=name, PartitionKey="a", Data=b"one")
    assert one["ShardId"] == SHARD_0 and len(one["SequenceNumber"]) == 56, one
    run.call("PutRecord", StreamName=name, PartitionKey="b", Data=b"two", SequenceNumberForOrdering=one["SequenceNumber"])
    many = run.call("PutRecords", StreamName=name,
                    Records=[{"PartitionKey": f"k{i}", "Data": f"record {i}".encode()} for i in range(20)])
    assert many["FailedRecordCount"] == 0 and len(many["Records"]) == 20, many
    records = run.read(name, SHARD_0, ShardIteratorType="TRIM_HORIZON")
    assert [r["Data"] for r in records] == [b"one", b"two", *(f"record {i}".encode() for i in range(20))], records
    assert [r["PartitionKey"] for r in records] == ["a", "b", *(f"k{i}" for i in range(20))], records
    numbers = [r["SequenceNumber"] for r in records]
    assert numbers[0] == one["SequenceNumber"] and numbers[2:] == [r["SequenceNumber"] for r in many["Records"]]
    assert numbers == sorted(set(numbers), key=int), numbers
    assert all(abs(r["ApproximateArrivalTimestamp"] - run.now()) < datetime.timedelta(minutes=1) for r in records)


def explicit_hash(run):
    name = run.stream(ShardCount=2)
    high = run.call("PutRecord", StreamName=name, PartitionKey="a", ExplicitHashKey=str(LAST_HASH), Data=b"x")
    low = run.call("PutRecords", StreamName=name, Records=[{"PartitionKey": "a", "ExplicitHashKey": "0", "Data": b"x"}])
    assert high["ShardId"] == "shardId-000000000001" and low["Records"][0]["ShardId"] == SHARD_0, (high, low)
    run.fails("InvalidArgumentException", "PutRecord", StreamName=name, PartitionKey="a", ExplicitHashKey=str(2**128), Data=b"x")


def iterators_of_all_types(run):
    name = run.stream(ShardCount=1)
    numbers = [run.call("PutRecord", StreamName=name, PartitionKey="a", Data=b"%d" % i)["SequenceNumber"] for i in range(3)]

    def data(**start):
        return [r["Data"] for r in run.read(name, SHARD_0, **start)]

    assert data(ShardIteratorType="TRIM_HORIZON") == [b"0", b"1", b"2"]
    assert data(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"1", b"2"]
    assert data(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"2"]
    latest = run.iterator(name, SHARD_0, ShardIteratorType="LATEST")
    second = run.next_second()  # a whole one: boto3 cuts timestamps to seconds
    # LATEST is where the shard's end was when it was asked for.
    run.call("PutRecord", StreamName=name, PartitionKey="a", Data=b"3")
    assert [r["Data"] for r in run.follow(latest)] == [b"3"]
    assert data(ShardIteratorType="AT_TIMESTAMP", Timestamp=second) == [b"3"]
    assert len(data(ShardIteratorType="AT_TIMESTAMP", Timestamp=run.now() - datetime.timedelta(hours=1))) == 4


def pages_to_the_end(run):
    name = run.stream(ShardCount=1)
    run.call("PutRecords", StreamName=name, Records=[{"PartitionKey": "a", "Data": b"%d" % i} for i in range(7)])
    iterator, sizes, behind = run.iterator(name, SHARD_0, ShardIteratorType="TRIM_HORIZON"), [], []
    for _ in range(4):
        page = run.call("GetRecords", ShardIterator=iterator, Limit=3)
        assert page["NextShardIterator"] != iterator and "ChildShards" not in page, page
        sizes.append(len(page["Records"]))
        behind.append(page["MillisBehindLatest"])
        iterator = page["NextShardIterator"]
    assert sizes == [3, 3, 1, 0] and behind[2:] == [0, 0], (sizes, behind)


def iterator_outlives_the_server(run):
    name = run.stream(ShardCount=1)
    run.call("PutRecords", StreamName=name, Records=[{"PartitionKey": "a", "Data": b"%d" % i} for i in range(4)])
    start = run.iterator(name, SHARD_0, ShardIteratorType="TRIM_HORIZON")
    iterator = run.call("GetRecords", ShardIterator=start, Limit=2)["NextShardIterator"]
    run.server.kill()
    run.server.start()
    run.call("PutRecord", StreamName=name, PartitionKey="a", Data=b"4")
    assert [r["Data"] for r in run.follow(iterator)] == [b"2", b"3", b"4"]


def tags(run):
    name = run.stream(ShardCount=1)
    arn = run.arn(name)
    run.call("AddTagsToStream", StreamName=name, Tags={"a": "1", "b": "2", "empty": ""})
    run.call("TagResource", ResourceARN=arn, Tags={"c": "3"})
    run.call("RemoveTagsFromStream", StreamName=name, TagKeys=["a"])
    run.call("UntagResource", ResourceARN=arn, TagKeys=["c"])
    want = [{"Key": "b", "Value": "2"}, {"Key": "empty", "Value": ""}]
    assert run.call("ListTagsForResource", ResourceARN=arn)["Tags"] == want
    first = run.call("ListTagsForStream", StreamName=name, Limit=1)
    assert first == {"Tags": want[:1], "HasMoreTags": True}, first
    rest = run.call("ListTagsForStream", StreamName=name, ExclusiveStartTagKey="b")
    assert rest == {"Tags": want[1:], "HasMoreTags": False}, rest


def retention(run):
    name = run.stream(ShardCount=1)

    def hours():
        return run.call("DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]["RetentionPeriodHours"]

    run.call("IncreaseStreamRetentionPeriod", StreamName=name, RetentionPeriodHours=48)
    run.until_active(name)
    assert hours() == 48
    run.call("DecreaseStreamRetentionPeriod", StreamName=name, RetentionPeriodHours=25)
    run.until_active(name)
    assert hours() == 25
    run.fails("InvalidArgumentException", "IncreaseStreamRetentionPeriod", StreamName=name, RetentionPeriodHours=24)


def mode(run):
    name = run.stream(ShardCount=1)
    run.call("UpdateStreamMode", StreamARN=run.arn(name), StreamModeDetails={"StreamMode": "ON_DEMAND"})
    run.until_active(name)
    summary = run.call("DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"]["StreamMode"] == "ON_DEMAND", summary


def describe_limits(run):
    run.stream(ShardCount=3)
    limits = run.call("DescribeLimits")
    assert limits["ShardLimit"] >= limits["OpenShardCount"] >= 3, limits
    assert limits["OnDemandStreamCountLimit"] >= limits["OnDemandStreamCount"], limits


def stream_arn_instead_of_name(run):
    name = run.stream(ShardCount=1)
    arn = run.arn(name)
    put = run.call("PutRecord", StreamARN=arn, PartitionKey="a", Data=b"x")
    run.call("PutRecords", StreamARN=arn, Records=[{"PartitionKey": "a", "Data": b"y"}])
    assert run.call("ListShards", StreamARN=arn)["Shards"][0]["ShardId"] == put["ShardId"]
    iterator = run.call("GetShardIterator", StreamARN=arn, ShardId=SHARD_0, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = run.call("GetRecords", StreamARN=arn, ShardIterator=iterator)
    assert [r["Data"] for r in page["Records"]] == [b"x", b"y"], page
    assert run.call("DescribeStream", StreamARN=arn)["StreamDescription"]["StreamName"] == name
    run.fails("ResourceNotFoundException", "DescribeStream", StreamARN=arn + "-other")


def errors_are_typed(run):
    name = run.stream(ShardCount=1)
    run.fails("ResourceNotFoundException", "PutRecord", StreamName=name + "-not", PartitionKey="a", Data=b"x")
    run.fails("ResourceNotFoundException", "GetShardIterator", StreamName=name, ShardId="shardId-000000000009",
              ShardIteratorType="LATEST")
    run.fails("InvalidArgumentException", "GetRecords", ShardIterator="no iterator")
    run.fails("InvalidArgumentException", "GetShardIterator", StreamName=name, ShardId=SHARD_0,
              ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber="1")
    refused = run.fails("ValidationException", "ListStreams", typed=False, Limit=10_001)
    assert "less than or equal to 10000" in refused.message, refused


def split_and_merge(run):
    """Split one shard, merge its children, and read along: to the end of each shard, which names its children."""
    name = run.stream(ShardCount=1)
    run.call("PutRecord", StreamName=name, PartitionKey="a", Data=b"before")
    run.call("SplitShard", StreamName=name, ShardToSplit=SHARD_0, NewStartingHashKey=str(2**127))
    run.until_active(name)
    shards = {s["ShardId"]: s for s in run.call("ListShards", StreamName=name)["Shards"]}
    low, high = "shardId-000000000001", "shardId-000000000002"
    assert set(shards) == {SHARD_0, low, high}, shards
    assert "EndingSequenceNumber" in shards[SHARD_0]["SequenceNumberRange"], shards[SHARD_0]
    assert shards[low]["ParentShardId"] == shards[high]["ParentShardId"] == SHARD_0, shards
    assert shards[high]["HashKeyRange"] == {"StartingHashKey": str(2**127), "EndingHashKey": str(LAST_HASH)}, shards
    records, children = run.read_closed(name, SHARD_0)
    assert [r["Data"] for r in records] == [b"before"], records
    assert [(c["ShardId"], c["ParentShards"]) for c in children] == [(low, [SHARD_0]), (high, [SHARD_0])], children
    for key, shard in (("0", low), (str(LAST_HASH), high)):
        put = run.call("PutRecord", StreamName=name, PartitionKey="a", ExplicitHashKey=key, Data=shard.encode())
        assert put["ShardId"] == shard, put
        assert int(put["SequenceNumber"]) > int(records[0]["SequenceNumber"]), put
    run.call("MergeShards", StreamName=name, ShardToMerge=low, AdjacentShardToMerge=high)
    run.until_active(name)
    merged = "shardId-000000000003"
    for parent in (low, high):
        records, children = run.read_closed(name, parent)
        assert [r["Data"] for r in records] == [parent.encode()], records
        assert [(c["ShardId"], sorted(c["ParentShards"])) for c in children] == [(merged, [low, high])], children
    child = run.call("ListShards", StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert [(s["ShardId"], s["ParentShardId"], s["AdjacentParentShardId"]) for s in child] == [(merged, low, high)], child
    run.fails("InvalidArgumentException", "SplitShard", StreamName=name, ShardToSplit=merged, NewStartingHashKey="0")
    run.fails("ResourceNotFoundException", "SplitShard", StreamName=name, ShardToSplit="shardId-000000000077",
              NewStartingHashKey="7")


def retries_do_no_harm(run):
    """Answers are lost on their way; the client's own retry gets the numbers that were given first, nothing is stored twice."""
    name = run.stream(ShardCount=1)
    entries = [{"PartitionKey": "a", "Data": b"many %d" % i} for i in range(5)]

    def restart():
        run.server.kill()
        run.server.start()

    numbers = []
    with run.behind_proxy() as proxy:
        # Two answers lost in a row, then one and a kill -9 before the second attempt; both forms of put.
        for cuts, between in ((2, None), (1, restart)):
            for operation, arguments in (("PutRecord", {"PartitionKey": "a", "Data": b"one"}),
                                         ("PutRecords", {"Records": entries})):
                proxy.cuts, proxy.before_next, proxy.attempts = cuts, between, []
                out = proxy.client.call(operation, StreamName=name, **arguments)
                invocations = {invocation for invocation, _, _ in proxy.attempts}
                assert len(proxy.attempts) == cuts + 1 and len(invocations) == 1, proxy.attempts
                assert None not in invocations, "the client does not name its attempts"
                answers = [json.loads(body) for _, _, body in proxy.attempts]
                assert all(answer == answers[0] for answer in answers), answers
                given = [r["SequenceNumber"] for r in out.get("Records", [out])]
                assert given == [r["SequenceNumber"] for r in answers[0].get("Records", [answers[0]])], (out, answers)
                numbers += given
    records = run.read(name, SHARD_0, ShardIteratorType="TRIM_HORIZON")
    assert [r["SequenceNumber"] for r in records] == numbers, (len(records), numbers)
    assert [r["Data"] for r in records] == 2 * [b"one", *(e["Data"] for e in entries)], records


ALL = [create_provisioned, create_on_demand, waiters_and_deletion, list_streams_in_pages, list_shards_in_pages, put_and_read,
       explicit_hash, iterators_of_all_types, pages_to_the_end, iterator_outlives_the_server, tags, retention, mode,
       describe_limits, stream_arn_instead_of_name, errors_are_typed, split_and_merge, retries_do_no_harm]
