"""The driver of kafka-python: kafka_python.py BOOTSTRAP, requests as lines of JSON in, answers out."""

import base64
import json
import queue
import sys
import threading
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata

bootstrap = sys.argv[1]
kafka_errors = [one for one in vars(errors).values() if isinstance(one, type) and (getattr(one, "errno", None) or 0) > 0]
state = {}
members = {}


def packed(data):
    return None if data is None else base64.b64encode(data).decode()


def unpacked(text):
    return None if text is None else base64.b64decode(text)


def record_of(record):
    headers = [[name, packed(value or b"")] for name, value in record.headers]
    return {
        "key": packed(record.key),
        "value": packed(record.value),
        "headers": headers,
        "timestamp": record.timestamp,
        "partition": record.partition,
        "offset": record.offset,
    }


class Member:
    """A member polls all the time in a thread of its own, as a consumer must to stay in its group."""

    def __init__(self, group, topic, session_timeout_ms, instance_id=None):
        self.topic = topic
        more = {} if instance_id is None else {"group_instance_id": instance_id}
        self.consumer = KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=300,
            fetch_max_wait_ms=200,
            metadata_max_age_ms=2000,
            **more,
        )
        self.lock = threading.Lock()
        self.waiting = []
        self.taken = {}
        self.current = None
        self.commits = []
        self.reads = True
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while self.reads:
            polled = self.consumer.poll(timeout_ms=500)
            now = self.consumer.assignment()
            with self.lock:
                if now != self.current:
                    self.waiting = [r for r in self.waiting if TopicPartition(self.topic, r.partition) in now]
                    self.current = set(now)
                for records in polled.values():
                    self.waiting.extend(records)
                commits, self.commits = self.commits, []
            for offsets, result in commits:
                try:
                    self.consumer.commit(offsets)
                    result.put(None)
                except Exception as cause:  # It is thrown where the commit was asked for.
                    result.put(cause)

    def assignment(self):
        with self.lock:
            return None if self.current is None else [one.partition for one in self.current]

    def take(self, count, limit_ms):
        deadline = time.time() + limit_ms / 1000
        while True:
            with self.lock:
                records, self.waiting = self.waiting[:count], self.waiting[count:]
                for record in records:
                    self.taken[record.partition] = record.offset + 1
            if records or time.time() > deadline:
                return [record_of(record) for record in records]
            time.sleep(0.01)

    def commit(self):
        result = queue.Queue()
        with self.lock:
            offsets = {
                TopicPartition(self.topic, partition): OffsetAndMetadata(offset, "", -1)
                for partition, offset in self.taken.items()
            }
            self.commits.append((offsets, result))
        cause = result.get(timeout=20)
        if cause is not None:
            raise cause

    def close(self):
        self.reads = False
        self.thread.join()
        self.consumer.close(autocommit=False)


def open_(args):
    state["admin"] = KafkaAdminClient(bootstrap_servers=bootstrap)
    state["asker"] = KafkaConsumer(bootstrap_servers=bootstrap, allow_auto_create_topics=False)


def produce(args):
    codec = None if args["codec"] == "none" else args["codec"]
    acks = "all" if args["acks"] == -1 else args["acks"]
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type=codec,
        acks=acks,
        enable_idempotence=args["isIdempotent"],
        max_request_size=args["requestBytesMax"],
        linger_ms=2,
        retry_backoff_ms=50,
    )
    try:
        sent = [
            producer.send(
                args["topic"],
                key=unpacked(record["key"]),
                value=unpacked(record["value"]),
                headers=[(name, unpacked(value)) for name, value in record["headers"]],
                partition=record.get("partition"),
                timestamp_ms=record.get("timestamp"),
            )
            for record in args["records"]
        ]
        producer.flush(timeout=20)
        for future in sent:
            future.get(timeout=20)
    finally:
        producer.close(timeout=5)


def consume(args):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=200)
    deadline = time.time() + args["limitMs"] / 1000
    partitions = None
    while not partitions and time.time() < deadline:
        partitions = consumer.partitions_for_topic(args["topic"])
    places = [TopicPartition(args["topic"], partition) for partition in partitions or []]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    records = []
    while len(records) < args["count"] and time.time() < deadline:
        for polled in consumer.poll(timeout_ms=500).values():
            records += [record_of(record) for record in polled]
    consumer.close()
    return sorted(records, key=lambda record: (record["partition"], record["offset"]))


def join(args):
    member = Member(args["group"], args["topic"], args["sessionTimeoutMs"], args.get("instanceId"))
    members[len(members)] = member
    return len(members) - 1


def offset_at(args):
    place = TopicPartition(args["topic"], args["partition"])
    asker = state["asker"]
    if args["timestamp"] == -2:
        return asker.beginning_offsets([place])[place]
    if args["timestamp"] == -1:
        return asker.end_offsets([place])[place]
    found = asker.offsets_for_times({place: args["timestamp"]})[place]
    return -1 if found is None else found.offset


def config(args):
    resource = ConfigResource(ConfigResourceType.TOPIC, args["topic"])
    found = state["admin"].describe_configs([resource], config_filter="all")
    return found["topic"][args["topic"]][args["name"]]["value"]


def set_config(args):
    resource = ConfigResource(ConfigResourceType.TOPIC, args["topic"], configs={args["name"]: args["value"]})
    said = state["admin"].alter_configs([resource])["topic"][args["topic"]]
    if said != "OK":
        # It gives the name of the error and its number as a text.
        raise next(one for one in kafka_errors if one.__name__ in said)(said)


def field(thing, *names):
    for name in names:
        if isinstance(thing, dict) and name in thing:
            return thing[name]
        if hasattr(thing, name):
            return getattr(thing, name)
    return None


def group_state(args):
    found = state["admin"].describe_groups([args["group"]])
    one = found[args["group"]] if isinstance(found, dict) else found[0]
    return {"state": field(one, "state", "group_state"), "memberCount": len(field(one, "members"))}


def group_offset(args):
    found = state["admin"].list_group_offsets(args["group"])
    found = found.get(args["group"], found)
    one = found.get(TopicPartition(args["topic"], args["partition"]))
    return -1 if one is None else one.offset


def delete_group(args):
    found = state["admin"].delete_groups([args["group"]])
    for group, result in found.items() if isinstance(found, dict) else found:
        if isinstance(result, Exception):
            raise result
        code = getattr(result, "errno", 0)
        if code:
            raise result()
        if isinstance(result, str) and result != "OK":
            raise next(one for one in kafka_errors if one.__name__ in result)(result)


def create_topic(args):
    topic = NewTopic(args["topic"], args["partitions"], 1, topic_configs=args["configs"])
    state["admin"].create_topics([topic])


def topic_list(args):
    return list(state["admin"].list_topics())


def partition_count(args):
    return len(field(state["admin"].describe_topics([args["topic"]])[0], "partitions"))


operations = {
    "open": open_,
    "close": lambda args: None,
    "produce": produce,
    "consume": consume,
    "join": join,
    "assignment": lambda args: members[args["member"]].assignment(),
    "take": lambda args: members[args["member"]].take(args["count"], args["limitMs"]),
    "commit": lambda args: members[args["member"]].commit(),
    "leave": lambda args: members[args["member"]].close(),
    "createTopic": create_topic,
    "deleteTopic": lambda args: state["admin"].delete_topics([args["topic"]]) and None,
    "topics": topic_list,
    "partitionCount": partition_count,
    "addPartitions": lambda args: state["admin"].create_partitions({args["topic"]: NewPartitions(args["partitions"])})
    and None,
    "config": config,
    "setConfig": set_config,
    "deleteRecords": lambda args: state["admin"].delete_records(
        {TopicPartition(args["topic"], args["partition"]): args["beforeOffset"]}
    )
    and None,
    "offsetAt": offset_at,
    "groups": lambda args: [one[0] if isinstance(one, tuple) else field(one, "group_id", "group") for one in state["admin"].list_groups()],
    "groupState": group_state,
    "groupOffset": group_offset,
    "deleteGroup": delete_group,
}

output = threading.Lock()


def code_of(cause):
    code = getattr(cause, "errno", None)
    if isinstance(code, int):
        return code
    inner = cause.__cause__ or (cause.args[0] if cause.args and isinstance(cause.args[0], Exception) else None)
    return None if inner is None else code_of(inner)


def answer(line):
    request = json.loads(line)
    try:
        said = {"id": request["id"], "result": operations[request["op"]](request["args"])}
    except Exception as cause:  # Whatever it is, the test has to know.
        said = {"id": request["id"], "error": {"code": code_of(cause), "message": repr(cause)}}
    with output:
        print(json.dumps(said), flush=True)


for request_line in sys.stdin:
    threading.Thread(target=answer, args=(request_line,), daemon=True).start()
