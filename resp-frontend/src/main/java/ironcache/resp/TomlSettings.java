package ironcache.resp;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;

/** Settings of a TOML file as texts. Its own class, so that the TOML parser is only loaded where there is a file. */
final class TomlSettings {
    private TomlSettings() {}

    /** @throws ConfigException naming file, line and cause */
    static Map<String, String> parse(String file, String text) throws ConfigException {
        TomlParseResult toml = Toml.parse(text);
        if (toml.hasErrors()) {
            throw new ConfigException(file + ": " + toml.errors().getFirst());
        }
        Map<String, String> settings = new LinkedHashMap<>();
        for (String name : toml.keySet()) {
            Object value = toml.get(java.util.List.of(name));
            if (value instanceof TomlArray array) {
                StringBuilder words = new StringBuilder();
                for (int i = 0; i < array.size(); i++) {
                    words.append(i == 0 ? "" : " ").append(scalar(file, name, array.get(i)));
                }
                settings.put(name, words.toString());
            } else {
                settings.put(name, scalar(file, name, value));
            }
        }
        return settings;
    }

    private static String scalar(String file, String name, Object value) throws ConfigException {
        return switch (value) {
            case String text -> text;
            case Long number -> number.toString();
            case Double number -> number.toString();
            case Boolean yes -> yes ? "yes" : "no";
            default ->
                    throw new ConfigException(
                            file
                                    + ": "
                                    + name
                                    + ": a text, a number, true or false, or an array of them is allowed");
        };
    }
}
