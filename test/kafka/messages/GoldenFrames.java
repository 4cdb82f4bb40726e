// Writes golden frames of the Kafka protocol, encoded by Kafka's own Java client, for golden-frames.test.ts.
//
//   jars=DIR            # a folder with kafka-clients 3.9, jackson-core, -databind, -annotations and slf4j-api
//   java -cp "$jars/*" GoldenFrames.java | gzip -9n > golden/frames.jsonl.gz
//
// Each line is one frame without its length: {"api", "version", "is": "request" | "response", "value", "frame"}, where
// `value` names the fields as Kafka does and `frame` is header and message in base64. For every API, version and
// direction there is one frame with all fields given, and two with nulls, empty and missing ones among them. The values
// are random but always the same. The header of every frame has the correlation id 0x01020304 and the client "golden".
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.BaseRecords;
import org.apache.kafka.common.record.MemoryRecords;

public class GoldenFrames {
  static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  // Key, first and last version of every API.
  static final int[][] APIS = {
    {0, 0, 11}, {1, 4, 17}, {2, 1, 9}, {3, 0, 12}, {8, 0, 9}, {9, 1, 9}, {10, 0, 6}, {11, 0, 9}, {12, 0, 4}, {13, 0, 5},
    {14, 0, 5}, {15, 0, 5}, {16, 0, 5}, {18, 0, 4}, {19, 0, 7}, {20, 0, 6}, {21, 0, 2}, {22, 0, 5}, {23, 2, 4},
    {32, 0, 4}, {33, 0, 2}, {37, 0, 3}, {42, 0, 2}, {44, 0, 1}, {47, 0, 0}, {60, 0, 1},
  };

  final Random random;
  final boolean isFull;

  GoldenFrames(long seed, boolean isFull) {
    this.random = new Random(seed);
    this.isFull = isFull;
  }

  public static void main(String[] args) throws Exception {
    for (int[] api : APIS) {
      short key = (short) api[0];
      ApiMessageType type = ApiMessageType.fromApiKey(key);
      for (short version = (short) api[1]; version <= api[2]; version++) {
        for (int i = 0; i < 3; i++) {
          long seed = key * 1_000_003L + version * 101L + i;
          ApiMessage request = type.newRequest();
          ObjectNode requestValue = new GoldenFrames(seed, i == 0).fill(request, type.requestSchemas()[version]);
          RequestHeaderData requestHeader =
              new RequestHeaderData()
                  .setRequestApiKey(key)
                  .setRequestApiVersion(version)
                  .setCorrelationId(0x01020304)
                  .setClientId("golden");
          print(type, version, "request", requestValue,
              MessageUtil.toByteBuffer(requestHeader, type.requestHeaderVersion(version)),
              MessageUtil.toByteBuffer(request, version));

          ApiMessage response = type.newResponse();
          ObjectNode responseValue = new GoldenFrames(seed + 50, i == 0).fill(response, type.responseSchemas()[version]);
          ResponseHeaderData responseHeader = new ResponseHeaderData().setCorrelationId(0x01020304);
          print(type, version, "response", responseValue,
              MessageUtil.toByteBuffer(responseHeader, type.responseHeaderVersion(version)),
              MessageUtil.toByteBuffer(response, version));
        }
      }
    }
  }

  static void print(ApiMessageType type, short version, String is, ObjectNode value, ByteBuffer header, ByteBuffer body) {
    byte[] frame = new byte[header.remaining() + body.remaining()];
    int headerBytes = header.remaining();
    header.get(frame, 0, headerBytes);
    body.get(frame, headerBytes, body.remaining());
    ObjectNode line = JSON.objectNode();
    line.put("api", type.name).put("version", version).put("is", is);
    line.set("value", value);
    line.put("frame", Base64.getEncoder().encodeToString(frame));
    System.out.println(line);
  }

  ObjectNode fill(Object message, Schema schema) throws Exception {
    ObjectNode value = JSON.objectNode();
    for (BoundField bound : schema.fields()) {
      if (bound.def.type instanceof TaggedFields tagged) {
        Field fields = TaggedFields.class.getDeclaredField("fields");
        fields.setAccessible(true);
        for (Object one : ((Map<?, ?>) fields.get(tagged)).values()) {
          if (isFull || random.nextBoolean()) set(message, (org.apache.kafka.common.protocol.types.Field) one, value);
        }
      } else set(message, bound.def, value);
    }
    return value;
  }

  void set(Object message, org.apache.kafka.common.protocol.types.Field def, ObjectNode value) throws Exception {
    String name = camel(def.name);
    Field field = message.getClass().getDeclaredField(name);
    field.setAccessible(true);
    Class<?> of = field.getType();
    if (def.type.isNullable() && !isFull && random.nextBoolean()) {
      field.set(message, null);
      value.putNull(name);
    } else if (of == boolean.class) {
      boolean given = isFull || random.nextBoolean();
      field.setBoolean(message, given);
      value.put(name, given);
    } else if (of == byte.class) {
      byte given = (byte) number(7);
      field.setByte(message, given);
      value.put(name, given);
    } else if (of == short.class) {
      short given = (short) number(15);
      field.setShort(message, given);
      value.put(name, given);
    } else if (of == int.class) {
      int given = (int) number(31);
      field.setInt(message, given);
      value.put(name, given);
    } else if (of == long.class) {
      long given = number(53);
      field.setLong(message, given);
      value.put(name, given);
    } else if (of == String.class) {
      String given = text();
      field.set(message, given);
      value.put(name, given);
    } else if (of == byte[].class) {
      byte[] given = bytes();
      field.set(message, given);
      value.set(name, BinaryNode.valueOf(given));
    } else if (of == Uuid.class) {
      Uuid given = isFull || random.nextBoolean() ? new Uuid(random.nextLong(), random.nextLong()) : Uuid.ZERO_UUID;
      field.set(message, given);
      value.put(name, given.toString());
    } else if (of == BaseRecords.class) {
      byte[] given = bytes();
      field.set(message, MemoryRecords.readableRecords(ByteBuffer.wrap(given)));
      value.set(name, BinaryNode.valueOf(given));
    } else if (Collection.class.isAssignableFrom(of)) {
      setArray(message, field, (org.apache.kafka.common.protocol.types.Type) def.type, value.putArray(name));
    } else {
      Object inner = of.getDeclaredConstructor().newInstance();
      field.set(message, inner);
      value.set(name, fill(inner, (Schema) def.type));
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  void setArray(Object message, Field field, org.apache.kafka.common.protocol.types.Type type, ArrayNode value)
      throws Exception {
    Class<?> of = field.getType();
    Type generic = of == java.util.List.class ? field.getGenericType() : of.getGenericSuperclass();
    Class<?> element = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
    Collection given = of == java.util.List.class ? new ArrayList() : (Collection) of.getDeclaredConstructor().newInstance();
    int count = isFull ? 1 + random.nextInt(2) : random.nextInt(3);
    for (int i = 0; i < count; i++) {
      if (element == Integer.class) {
        int one = (int) number(31);
        given.add(one);
        value.add(one);
      } else if (element == String.class) {
        String one = text();
        given.add(one);
        value.add(one);
      } else if (element == Uuid.class) {
        Uuid one = new Uuid(random.nextLong(), random.nextLong());
        given.add(one);
        value.add(one.toString());
      } else {
        Object one = element.getDeclaredConstructor().newInstance();
        value.add(fill(one, (Schema) type.arrayElementType().get()));
        given.add(one);
      }
    }
    field.set(message, given);
  }

  // Numbers of all sizes and both signs; beyond 53 bits the other side has none.
  long number(int bits) {
    if (!isFull && random.nextInt(3) == 0) return random.nextInt(2) - 1;
    long size = random.nextLong() & ((1L << (1 + random.nextInt(bits))) - 1);
    long given = random.nextInt(3) == 0 ? -size : size;
    return isFull && (given == 0 || given == -1) ? 7 : given;
  }

  String text() {
    if (!isFull && random.nextInt(3) == 0) return "";
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(20) == 0 ? 200 : 1 + random.nextInt(6);
    for (int i = 0; i < length; i++) text.append("abcdefghij-_.0123µ→".charAt(random.nextInt(19)));
    return text.toString();
  }

  byte[] bytes() {
    byte[] given = new byte[!isFull && random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(8)];
    random.nextBytes(given);
    return given;
  }

  static String camel(String snake) {
    StringBuilder name = new StringBuilder();
    for (String word : snake.split("_")) {
      if (name.length() == 0) name.append(word);
      else if (!word.isEmpty()) name.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    }
    return name.toString();
  }
}
