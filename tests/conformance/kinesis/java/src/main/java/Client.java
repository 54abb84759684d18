import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.SdkField;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.core.protocol.MarshallingType;
import software.amazon.awssdk.core.traits.ListTrait;
import software.amazon.awssdk.core.traits.MapTrait;
import software.amazon.awssdk.core.util.SdkAutoConstructList;
import software.amazon.awssdk.core.util.SdkAutoConstructMap;
import software.amazon.awssdk.core.waiters.WaiterOverrideConfiguration;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.protocols.jsoncore.JsonWriter;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.DescribeStreamRequest;
import software.amazon.awssdk.services.kinesis.model.KinesisRequest;
import software.amazon.awssdk.utils.builder.SdkBuilder;

/**
 * The AWS SDK for Java 2 under the scenarios: each line of standard input is a call as JSON, answered by a line on standard
 * output. Whatever operation is named is called through its typed method, request and response; ../clients.py says the form.
 */
public final class Client {
  private final KinesisClient client;

  private Client(String endpoint) {
    client = KinesisClient.builder()
        .endpointOverride(URI.create(endpoint))
        .region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret")))
        .httpClientBuilder(ApacheHttpClient.builder())
        .build();
  }

  public static void main(String[] arguments) throws Exception {
    Client self = new Client(arguments[0]);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(self.answer(line));
      System.out.flush();
    }
  }

  private String answer(String line) throws Exception {
    JsonWriter json = JsonWriter.create();
    json.writeStartObject();
    try {
      Map<String, JsonNode> request = JsonNode.parser().parse(line).asObject();
      JsonNode input = request.get("in");
      Object output = request.containsKey("wait") ? await(request.get("wait").text(), input)
                                                  : call(request.get("op").text(), input);
      json.writeFieldName("out");
      write(json, output);
    } catch (InvocationTargetException thrown) {
      failed(json, thrown.getCause());
    } catch (RuntimeException thrown) {
      failed(json, thrown);
    }
    json.writeEndObject();
    return new String(json.getBytes(), StandardCharsets.UTF_8);
  }

  private static void failed(JsonWriter json, Throwable thrown) {
    boolean fromService = thrown instanceof AwsServiceException;
    String code = fromService ? ((AwsServiceException) thrown).awsErrorDetails().errorCode() : "client";
    String message = fromService ? ((AwsServiceException) thrown).awsErrorDetails().errorMessage() : "" + thrown;
    json.writeFieldName("error").writeValue(code);
    json.writeFieldName("type").writeValue(thrown.getClass().getSimpleName());
    json.writeFieldName("message").writeValue(message);
  }

  private Object call(String operation, JsonNode input) throws ReflectiveOperationException {
    String name = Character.toLowerCase(operation.charAt(0)) + operation.substring(1);
    for (Method method : KinesisClient.class.getMethods()) {
      if (method.getName().equals(name) && method.getParameterCount() == 1
          && KinesisRequest.class.isAssignableFrom(method.getParameterTypes()[0])) {
        SdkPojo builder = (SdkPojo) method.getParameterTypes()[0].getMethod("builder").invoke(null);
        return method.invoke(client, fill(builder, input));
      }
    }
    throw new IllegalArgumentException("the SDK has no " + operation);
  }

  private Object await(String condition, JsonNode input) {
    DescribeStreamRequest request = (DescribeStreamRequest) fill((SdkPojo) DescribeStreamRequest.builder(), input);
    WaiterOverrideConfiguration pace = WaiterOverrideConfiguration.builder().maxAttempts(60)
        .backoffStrategyV2(BackoffStrategy.fixedDelay(Duration.ofSeconds(1))).build();
    switch (condition) {
      case "StreamExists": client.waiter().waitUntilStreamExists(request, pace); break;
      case "StreamNotExists": client.waiter().waitUntilStreamNotExists(request, pace); break;
      default: throw new IllegalArgumentException("the SDK has no waiter " + condition);
    }
    return Map.of();
  }

  private static Object fill(SdkPojo builder, JsonNode json) {
    Map<String, JsonNode> left = new LinkedHashMap<>(json.asObject());
    for (SdkField<?> field : builder.sdkFields()) {
      JsonNode value = left.remove(field.locationName());
      if (value != null) field.set(builder, read(field, value));
    }
    if (!left.isEmpty()) throw new IllegalArgumentException("unknown members " + left.keySet());
    return ((SdkBuilder<?, ?>) builder).build();
  }

  private static Object read(SdkField<?> field, JsonNode json) {
    MarshallingType<?> type = field.marshallingType();
    if (type == MarshallingType.STRING) return json.asString();
    if (type == MarshallingType.INTEGER) return Integer.valueOf(json.asNumber());
    if (type == MarshallingType.BOOLEAN) return json.asBoolean();
    if (type == MarshallingType.INSTANT) return Instant.parse(json.asString());
    if (type == MarshallingType.SDK_BYTES) {
      return SdkBytes.fromByteArray(java.util.Base64.getDecoder().decode(json.asString()));
    }
    if (type == MarshallingType.SDK_POJO) return fill(field.constructor().get(), json);
    if (type == MarshallingType.LIST) {
      List<Object> list = new ArrayList<>();
      for (JsonNode item : json.asArray()) list.add(read(field.getTrait(ListTrait.class).memberFieldInfo(), item));
      return list;
    }
    if (type == MarshallingType.MAP) {
      Map<String, Object> map = new LinkedHashMap<>();
      json.asObject().forEach((key, item) -> map.put(key, read(field.getTrait(MapTrait.class).valueFieldInfo(), item)));
      return map;
    }
    throw new IllegalArgumentException("no input of type " + type);
  }

  private static void write(JsonWriter json, Object value) {
    if (value instanceof SdkPojo) {
      json.writeStartObject();
      for (SdkField<?> field : ((SdkPojo) value).sdkFields()) {
        Object member = field.getValueOrDefault(value);
        if (member == null || member instanceof SdkAutoConstructList || member instanceof SdkAutoConstructMap) continue;
        json.writeFieldName(field.locationName());
        write(json, member);
      }
      json.writeEndObject();
    } else if (value instanceof List) {
      json.writeStartArray();
      for (Object item : (List<?>) value) write(json, item);
      json.writeEndArray();
    } else if (value instanceof Map) {
      json.writeStartObject();
      ((Map<?, ?>) value).forEach((key, item) -> write(json.writeFieldName((String) key), item));
      json.writeEndObject();
    } else if (value instanceof SdkBytes) {
      json.writeValue(java.util.Base64.getEncoder().encodeToString(((SdkBytes) value).asByteArray()));
    } else if (value instanceof Integer) {
      json.writeValue((Integer) value);
    } else if (value instanceof Long) {
      json.writeValue((Long) value);
    } else if (value instanceof Boolean) {
      json.writeValue((Boolean) value);
    } else {
      json.writeValue(value.toString());
    }
  }
}
