package ironcache.resp;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** CONFIG REWRITE: the TOML text with the values of now; comments, order and unchanged lines stay. */
final class ConfigRewrite {
    private ConfigRewrite() {}

    static String rewritten(String before, Config config) {
        StringBuilder after = new StringBuilder(before.length() + 256);
        Set<String> seen = new HashSet<>();
        String[] lines = before.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i];
            Setting setting = settingOf(line, config);
            if (setting == null) {
                after.append(line);
            } else {
                seen.add(setting.name);
                int end = i;
                if (valueOf(line).startsWith("[")) {
                    while (end < lines.length - 1 && lines[end].indexOf(']') < 0) {
                        end++;
                    }
                }
                after.append(end == i && sameValue(line, setting) ? line : line(setting));
                i = end;
            }
            if (i < lines.length - 1) {
                after.append('\n');
            }
        }
        appendChanged(after, config, seen);
        return after.toString();
    }

    private static void appendChanged(StringBuilder after, Config config, Set<String> seen) {
        boolean headed = false;
        for (Setting setting : config.all()) {
            if (!seen.contains(setting.name) && !setting.isInitial()) {
                if (!after.isEmpty() && after.charAt(after.length() - 1) != '\n') {
                    after.append('\n');
                }
                if (!headed) {
                    headed = true;
                    after.append("# Written by CONFIG REWRITE\n");
                }
                after.append(line(setting)).append('\n');
            }
        }
    }

    private static @Nullable Setting settingOf(String line, Config config) {
        int equals = line.indexOf('=');
        if (equals < 0 || line.stripLeading().startsWith("#")) {
            return null;
        }
        return config.find(unquoted(line.substring(0, equals).strip()));
    }

    /** What follows the equals sign, without a comment. */
    private static String valueOf(String line) {
        String value = line.substring(line.indexOf('=') + 1).strip();
        if (value.startsWith("\"")) {
            int end = value.indexOf('"', 1);
            return end < 0 ? value : value.substring(0, end + 1);
        }
        int comment = value.indexOf('#');
        return comment < 0 ? value : value.substring(0, comment).strip();
    }

    private static boolean sameValue(String line, Setting setting) {
        String value = unquoted(valueOf(line));
        if (value.equals(setting.value())) {
            return true;
        }
        return switch (setting.kind) {
            case SIZE, INTEGER ->
                    Setting.parseSize(value) == setting.number() && setting.number() >= 0;
            case YES_NO -> (value.equals("true") || value.equals("yes")) == setting.isYes();
            default -> false;
        };
    }

    private static String unquoted(String text) {
        return text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")
                ? text.substring(1, text.length() - 1)
                : text;
    }

    private static String line(Setting setting) {
        String value = setting.value();
        return switch (setting.kind) {
            case INTEGER, SIZE -> setting.name + " = " + value;
            default ->
                    setting.name
                            + " = \""
                            + value.replace("\\", "\\\\").replace("\"", "\\\"")
                            + "\"";
        };
    }
}
