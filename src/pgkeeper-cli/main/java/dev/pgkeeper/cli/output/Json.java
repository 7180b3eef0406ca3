package dev.pgkeeper.cli.output;

import dev.pgkeeper.ui.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** JSON of what is at hand; rows of the database are made JSON by the database. */
public final class Json {
  private Json() {}

  /** An object in the order of the map: texts, numbers, truth values, nulls, lists and maps. */
  public static String of(@Nullable Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) {
      return String.valueOf(value);
    } else if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(e -> JsonText.quoted(String.valueOf(e.getKey())) + ": " + of(e.getValue()))
          .collect(Collectors.joining(", ", "{", "}"));
    } else if (value instanceof List<?> list) {
      return list.stream().map(Json::of).collect(Collectors.joining(", ", "[", "]"));
    }
    return JsonText.quoted(value.toString());
  }

  /** An object of names and values, one after the other. */
  public static String object(@Nullable Object... namesAndValues) {
    Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      map.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return of(map);
  }
}
