// The driver of Kafka's own Java client: java -cp JARS KafkaDriver.java BOOTSTRAP
// Requests come as lines of JSON, and an answer goes out for each.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class KafkaDriver {
    static final ObjectMapper json = new ObjectMapper();
    static final Map<Integer, Member> members = new ConcurrentHashMap<>();
    static String bootstrap;
    static Admin admin;
    static int readers;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode request = json.readTree(line);
            Thread thread = new Thread(() -> answer(request));
            thread.setDaemon(true);
            thread.start();
        }
        System.exit(0);
    }

    static void answer(JsonNode request) {
        ObjectNode said = json.createObjectNode().put("id", request.get("id").asInt());
        try {
            said.set("result", json.valueToTree(perform(request.get("op").asText(), request.get("args"))));
        } catch (Throwable thrown) {
            Throwable cause = thrown;
            while (cause instanceof ExecutionException && cause.getCause() != null) cause = cause.getCause();
            int code = Errors.forException(cause).code();
            ObjectNode error = said.putObject("error").put("message", cause.toString());
            if (code > 0) error.put("code", code);
            else error.putNull("code");
        }
        synchronized (System.out) {
            System.out.println(said);
            System.out.flush();
        }
    }

    static Object perform(String op, JsonNode args) throws Exception {
        String topic = args.path("topic").asText();
        switch (op) {
            case "open": {
                Properties properties = new Properties();
                properties.put("bootstrap.servers", bootstrap);
                admin = Admin.create(properties);
                return null;
            }
            case "close":
                admin.close(Duration.ofSeconds(1));
                return null;
            case "produce":
                produce(topic, args);
                return null;
            case "consume":
                return consume(topic, args);
            case "join": {
                Member member = new Member(args.get("group").asText(), topic, args);
                int id = members.size();
                members.put(id, member);
                return id;
            }
            case "assignment":
                return members.get(args.get("member").asInt()).assignment;
            case "take":
                return members.get(args.get("member").asInt()).take(args.get("count").asInt(), args.get("limitMs").asLong());
            case "commit":
                members.get(args.get("member").asInt()).commit();
                return null;
            case "leave":
                members.get(args.get("member").asInt()).close();
                return null;
            case "createTopic": {
                NewTopic wanted = new NewTopic(topic, args.get("partitions").asInt(), (short) 1);
                Map<String, String> configs = new HashMap<>();
                args.get("configs").fields().forEachRemaining(one -> configs.put(one.getKey(), one.getValue().asText()));
                admin.createTopics(List.of(wanted.configs(configs))).all().get();
                return null;
            }
            case "deleteTopic":
                admin.deleteTopics(List.of(topic)).all().get();
                return null;
            case "topics":
                return admin.listTopics().names().get();
            case "partitionCount":
                return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
            case "addPartitions":
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(args.get("partitions").asInt()))).all().get();
                return null;
            case "config": {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
                ConfigEntry entry = admin.describeConfigs(List.of(resource)).all().get().get(resource).get(args.get("name").asText());
                return entry == null ? null : entry.value();
            }
            case "setConfig": {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
                ConfigEntry entry = new ConfigEntry(args.get("name").asText(), args.get("value").asText());
                admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET)))).all().get();
                return null;
            }
            case "deleteRecords": {
                RecordsToDelete before = RecordsToDelete.beforeOffset(args.get("beforeOffset").asLong());
                admin.deleteRecords(Map.of(place(args), before)).all().get();
                return null;
            }
            case "offsetAt": {
                long timestamp = args.get("timestamp").asLong();
                OffsetSpec spec = timestamp == -2 ? OffsetSpec.earliest() : timestamp == -1 ? OffsetSpec.latest() : OffsetSpec.forTimestamp(timestamp);
                return admin.listOffsets(Map.of(place(args), spec)).partitionResult(place(args)).get().offset();
            }
            case "groups":
                return admin.listConsumerGroups().all().get().stream().map(one -> one.groupId()).collect(Collectors.toList());
            case "groupState": {
                String group = args.get("group").asText();
                var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                return Map.of("state", found.state().toString(), "memberCount", found.members().size());
            }
            case "groupOffset": {
                OffsetAndMetadata found = admin.listConsumerGroupOffsets(args.get("group").asText()).partitionsToOffsetAndMetadata().get().get(place(args));
                return found == null ? -1 : found.offset();
            }
            case "deleteGroup":
                admin.deleteConsumerGroups(List.of(args.get("group").asText())).all().get();
                return null;
            default:
                throw new IllegalArgumentException("the driver has no " + op);
        }
    }

    static void produce(String topic, JsonNode args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("acks", args.get("acks").asText());
        properties.put("enable.idempotence", args.get("isIdempotent").asText());
        properties.put("compression.type", args.get("codec").asText());
        properties.put("max.request.size", args.get("requestBytesMax").asText());
        properties.put("linger.ms", "2");
        properties.put("delivery.timeout.ms", "20000");
        properties.put("request.timeout.ms", "10000");
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<?>> sent = new ArrayList<>();
            for (JsonNode record : args.get("records")) {
                List<Header> headers = new ArrayList<>();
                for (JsonNode header : record.get("headers")) headers.add(new RecordHeader(header.get(0).asText(), unpacked(header.get(1))));
                Integer partition = record.has("partition") ? record.get("partition").asInt() : null;
                Long timestamp = record.has("timestamp") ? record.get("timestamp").asLong() : null;
                sent.add(producer.send(new ProducerRecord<>(topic, partition, timestamp, unpacked(record.get("key")), unpacked(record.get("value")), headers)));
            }
            for (Future<?> one : sent) one.get();
        }
    }

    static Object consume(String topic, JsonNode args) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("fetch.max.wait.ms", "200");
        int count = args.get("count").asInt();
        long deadline = System.currentTimeMillis() + args.get("limitMs").asLong();
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> places = consumer.partitionsFor(topic).stream().map(one -> new TopicPartition(topic, one.partition())).collect(Collectors.toList());
            consumer.assign(places);
            consumer.seekToBeginning(places);
            while (records.size() < count && System.currentTimeMillis() < deadline) consumer.poll(Duration.ofMillis(200)).forEach(records::add);
        }
        records.sort(Comparator.<ConsumerRecord<byte[], byte[]>>comparingInt(ConsumerRecord::partition).thenComparingLong(ConsumerRecord::offset));
        return records.stream().map(KafkaDriver::described).collect(Collectors.toList());
    }

    static TopicPartition place(JsonNode args) {
        return new TopicPartition(args.get("topic").asText(), args.get("partition").asInt());
    }

    static byte[] unpacked(JsonNode text) {
        return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }

    static String packed(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    static ObjectNode described(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode all = json.createObjectNode();
        all.put("key", packed(record.key())).put("value", packed(record.value()));
        ArrayNode headers = all.putArray("headers");
        for (Header header : record.headers()) headers.addArray().add(header.key()).add(packed(header.value()));
        return all.put("timestamp", record.timestamp()).put("partition", record.partition()).put("offset", record.offset());
    }

    /** A consumer is for one thread: everything that it does is done between two polls. */
    static class Member {
        final String topic;
        final KafkaConsumer<byte[], byte[]> consumer;
        final ArrayDeque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
        final Map<TopicPartition, OffsetAndMetadata> taken = new HashMap<>();
        final ConcurrentLinkedQueue<Runnable> work = new ConcurrentLinkedQueue<>();
        final Thread thread;
        volatile List<Integer> assignment;
        volatile boolean reads = true;

        Member(String group, String topic, JsonNode args) {
            this.topic = topic;
            Properties properties = new Properties();
            properties.put("bootstrap.servers", bootstrap);
            properties.put("group.id", group);
            properties.put("auto.offset.reset", "earliest");
            properties.put("enable.auto.commit", "false");
            properties.put("session.timeout.ms", args.get("sessionTimeoutMs").asText());
            properties.put("heartbeat.interval.ms", "300");
            properties.put("fetch.max.wait.ms", "200");
            if (args.hasNonNull("instanceId")) properties.put("group.instance.id", args.get("instanceId").asText());
            consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            consumer.subscribe(List.of(topic));
            thread = new Thread(this::read);
            thread.setDaemon(true);
            thread.start();
        }

        void read() {
            while (reads) {
                var polled = consumer.poll(Duration.ofMillis(100));
                Set<TopicPartition> now = consumer.assignment();
                synchronized (waiting) {
                    assignment = now.stream().map(TopicPartition::partition).collect(Collectors.toList());
                    waiting.removeIf(one -> !now.contains(new TopicPartition(topic, one.partition())));
                    taken.keySet().retainAll(now);
                    polled.forEach(waiting::add);
                }
                for (Runnable one = work.poll(); one != null; one = work.poll()) one.run();
            }
            consumer.close(Duration.ofSeconds(5));
        }

        List<ObjectNode> take(int count, long limitMs) throws InterruptedException {
            List<ObjectNode> records = new ArrayList<>();
            for (long deadline = System.currentTimeMillis() + limitMs; ; Thread.sleep(10)) {
                synchronized (waiting) {
                    while (records.size() < count && !waiting.isEmpty()) {
                        var record = waiting.poll();
                        taken.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
                        records.add(described(record));
                    }
                }
                if (!records.isEmpty() || System.currentTimeMillis() > deadline) return records;
            }
        }

        void commit() throws Exception {
            Map<TopicPartition, OffsetAndMetadata> offsets;
            synchronized (waiting) {
                offsets = new HashMap<>(taken);
            }
            CompletableFuture<Void> done = new CompletableFuture<>();
            work.add(() -> {
                try {
                    consumer.commitSync(offsets);
                    done.complete(null);
                } catch (RuntimeException cause) {
                    done.completeExceptionally(cause);
                }
            });
            done.get();
        }

        void close() throws InterruptedException {
            reads = false;
            thread.join();
        }
    }
}
