// Renders mapping templates as AWS does: Velocity 1.7 with null printed as nothing and inline macros off, Jayway JsonPath,
// json-smart. One case a line on standard input, fields in base64 with tabs between: template, body, and JSON objects of
// variables, parameters, context, stage variables. One answer a line: '=' and the text, or '!', 'payload' or 'template', and why.

import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.PathNotFoundException;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.minidev.json.JSONArray;
import net.minidev.json.JSONObject;
import net.minidev.json.JSONStyle;
import net.minidev.json.JSONValue;
import net.minidev.json.parser.JSONParser;
import net.minidev.json.parser.ParseException;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;
import org.apache.velocity.app.event.EventCartridge;
import org.apache.velocity.app.event.InvalidReferenceEventHandler;
import org.apache.velocity.context.Context;
import org.apache.velocity.exception.MethodInvocationException;
import org.apache.velocity.runtime.RuntimeConstants;
import org.apache.velocity.util.introspection.Info;

public final class Oracle {
  /** Null, and what does not exist, is an empty text. */
  public static final class NothingForNull implements InvalidReferenceEventHandler {
    public Object invalidGetMethod(Context c, String reference, Object o, String property, Info i) {
      return "";
    }

    public boolean invalidSetMethod(Context c, String left, String right, Info i) {
      return false;
    }

    public Object invalidMethod(Context c, String reference, Object o, String method, Info i) {
      return "";
    }
  }

  /** The payload is no JSON: AWS answers 400, not 500. */
  public static final class PayloadException extends RuntimeException {
    PayloadException(ParseException cause) {
      super(cause);
    }
  }

  static Object parse(String text) throws ParseException {
    return new JSONParser(JSONParser.MODE_PERMISSIVE)
        .parse(text, JSONValue.defaultReader.DEFAULT_ORDERED);
  }

  public static final class Input {
    private final String body;
    private final Map<String, Map<String, Object>> params;
    private Object document;
    private boolean parsed;

    Input(String body, Map<String, Map<String, Object>> params) {
      this.body = body.isEmpty() ? "{}" : body;
      this.params = params;
    }

    public String getBody() {
      return body;
    }

    public Object path(String path) {
      if (!parsed) {
        parsed = true;
        try {
          document = parse(body);
        } catch (ParseException e) {
          throw new PayloadException(e);
        }
      }
      try {
        return JsonPath.compile(path).read(document, Configuration.defaultConfiguration());
      } catch (PathNotFoundException e) {
        return null;
      }
    }

    public String json(String path) {
      Object o = path(path);
      if (o == null) return "\"\"";
      if (o instanceof Map<?, ?> map) {
        return JSONObject.toJSONString((Map<String, ?>) map, JSONStyle.LT_COMPRESS);
      }
      if (o instanceof List<?> list) return JSONArray.toJSONString(list, JSONStyle.LT_COMPRESS);
      return JSONValue.toJSONString(o, JSONStyle.LT_COMPRESS);
    }

    public Map<String, Map<String, Object>> params() {
      return params;
    }

    public String params(String name) {
      for (String place : new String[] {"path", "querystring", "header"}) {
        Map<String, Object> map = params.get(place);
        if (map.containsKey(name)) return String.valueOf(map.get(name));
      }
      return null;
    }

    @Override
    public String toString() {
      return "{}";
    }
  }

  /** Takes any object, as its text: what AWS' own declare is not known. */
  public static final class Util {
    public String escapeJavaScript(Object o) {
      return o == null ? null : StringEscapeUtils.escapeJavaScript(o.toString());
    }

    public Object parseJson(Object o) throws ParseException {
      return o == null ? null : parse(o.toString());
    }

    public String urlEncode(Object o) {
      return o == null ? null : URLEncoder.encode(o.toString(), StandardCharsets.UTF_8);
    }

    public String urlDecode(Object o) {
      return o == null ? null : URLDecoder.decode(o.toString(), StandardCharsets.UTF_8);
    }

    public String base64Encode(Object o) {
      return o == null
          ? null
          : Base64.getEncoder().encodeToString(o.toString().getBytes(StandardCharsets.UTF_8));
    }

    public String base64Decode(Object o) {
      return o == null ? null : new String(Base64.getDecoder().decode(o.toString()), StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
      return "{}";
    }
  }

  static String text(String field) {
    return new String(Base64.getDecoder().decode(field), StandardCharsets.UTF_8);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> object(String field) throws ParseException {
    String json = text(field);
    return json.isEmpty() ? new LinkedHashMap<>() : (Map<String, Object>) parse(json);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Map<String, Object>> params(String field) throws ParseException {
    Map<String, Map<String, Object>> all = new LinkedHashMap<>();
    Map<String, Object> given = object(field);
    for (String place : new String[] {"path", "querystring", "header"}) {
      Object group = given.get(place);
      all.put(place, group == null ? new LinkedHashMap<>() : (Map<String, Object>) group);
    }
    return all;
  }

  static String render(VelocityEngine engine, String[] fields) throws Exception {
    VelocityContext context = new VelocityContext();
    context.put("context", object(fields[4]));
    context.put("stageVariables", object(fields[5]));
    for (Map.Entry<String, Object> e : object(fields[2]).entrySet()) {
      context.put(e.getKey(), e.getValue());
    }
    context.put("input", new Input(text(fields[1]), params(fields[3])));
    context.put("util", new Util());
    EventCartridge events = new EventCartridge();
    events.addEventHandler(new NothingForNull());
    events.attachToContext(context);
    StringWriter out = new StringWriter();
    engine.evaluate(context, out, "template", text(fields[0]));
    return out.toString();
  }

  static String answer(VelocityEngine engine, String line) {
    try {
      String out = render(engine, line.split("\t", -1));
      return "=\t" + Base64.getEncoder().encodeToString(out.getBytes(StandardCharsets.UTF_8));
    } catch (Exception | StackOverflowError e) {
      Throwable cause = e instanceof MethodInvocationException m && m.getCause() != null ? m.getCause() : e;
      String kind = cause instanceof PayloadException ? "payload" : "template";
      return "!\t" + kind + "\t" + String.valueOf(cause).replaceAll("\\s+", " ");
    }
  }

  public static void main(String[] arguments) throws IOException {
    VelocityEngine engine = new VelocityEngine();
    engine.setProperty(RuntimeConstants.VM_PERM_ALLOW_INLINE, "false");
    engine.setProperty(RuntimeConstants.MAX_NUMBER_LOOPS, "1000");
    engine.setProperty(
        RuntimeConstants.RUNTIME_LOG_LOGSYSTEM_CLASS, "org.apache.velocity.runtime.log.NullLogChute");
    engine.init();
    engine.removeDirective("evaluate");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    Writer out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.write(answer(engine, line));
      out.write('\n');
      if (!in.ready()) out.flush();
    }
    out.flush();
  }
}
