package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ConfigTest {
    private final Config config = new Config();

    private String set(String name, String value) {
        String wrong = config.set(config.get(name), value);
        return wrong == null ? "OK " + config.value(name) : wrong;
    }

    @Test
    void sizes() {
        assertEquals(100, Setting.parseSize("100"));
        assertEquals(100, Setting.parseSize("100b"));
        assertEquals(1000, Setting.parseSize("1k"));
        assertEquals(1024, Setting.parseSize("1kb"));
        assertEquals(512L << 20, Setting.parseSize("512mb"));
        assertEquals(4_000_000_000L, Setting.parseSize("4g"));
        assertEquals(4L << 30, Setting.parseSize("4GB"));
        for (String wrong :
                new String[] {
                    "", "-1", "abc", "1.5g", "1x", "99999999999999999999", "9000000000000000000g"
                }) {
            assertEquals(-1, Setting.parseSize(wrong), wrong);
        }
    }

    @Test
    void wrongValuesAreRefusedInValkeysWords() {
        assertEquals("argument must be a memory value", set("maxmemory", "abc"));
        assertEquals("argument couldn't be parsed into an integer", set("timeout", "x"));
        assertEquals("argument must be between 0 and 2147483647 inclusive", set("timeout", "-1"));
        assertEquals("argument must be 'yes' or 'no'", set("appendonly", "maybe"));
        assertEquals("Invalid save parameters", set("save", "abc"));
        assertEquals(
                "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
                set("notify-keyspace-events", "zq"));
        assertEquals(
                "Wrong number of arguments in buffer limit configuration.",
                set("client-output-buffer-limit", "normal 1 1"));
        assertEquals("0", config.value("timeout"));
    }

    @Test
    void valuesAreShownAsValkeyShowsThem() {
        assertEquals("OK AKE", set("notify-keyspace-events", "KEA"));
        assertEquals("OK 1048576", set("proto-max-bulk-len", "1mb"));
        assertEquals(
                "OK normal 1024 512 10 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
                set("client-output-buffer-limit", "normal 1kb 512 10"));
        assertEquals("OK yes", set("protected-mode", "YES"));
        assertEquals("OK allkeys-lru", set("maxmemory-policy", "ALLKEYS-LRU"));
    }

    @Test
    void whatCannotBeIsRefusedNotIgnored() {
        assertEquals("OK 900 1", set("save", "900 1"));
        assertEquals("Invalid save parameters", set("save", "900"));
        assertTrue(set("shards", "65").contains("between 0 and 64"));
    }

    @Test
    void typedFieldsFollow() {
        config.set(config.get("slowlog-log-slower-than"), "-1");
        config.set(config.get("timeout"), "7");
        config.apply();
        assertEquals(Long.MAX_VALUE, config.slowNanos);
        assertEquals(7, config.timeoutSeconds);
        assertArrayEquals(new double[] {50, 99, 99.9}, config.latencyPercentiles);
    }

    @Test
    void commandLine() throws ConfigException {
        Options options =
                Options.parse(
                        new String[] {
                            "my.toml",
                            "--port",
                            "7",
                            "--bind",
                            "127.0.0.1",
                            "::1",
                            "--save",
                            "",
                            "--hz=20"
                        });
        assertEquals("my.toml", options.file);
        assertEquals(
                Map.of("port", "7", "bind", "127.0.0.1 ::1", "save", "", "hz", "20"),
                options.settings);
        assertThrows(ConfigException.class, () -> Options.parse(new String[] {"--port"}));
        assertThrows(ConfigException.class, () -> Options.parse(new String[] {"a.toml", "b.toml"}));
    }

    @Test
    void toml() throws ConfigException {
        Map<String, String> settings =
                TomlSettings.parse(
                        "x.toml",
                        """
                # comment
                port = 7000
                bind = ["127.0.0.1", "-::1"]
                maxmemory = "512mb"
                protected-mode = false
                """);
        assertEquals(
                Map.of(
                        "port",
                        "7000",
                        "bind",
                        "127.0.0.1 -::1",
                        "maxmemory",
                        "512mb",
                        "protected-mode",
                        "no"),
                settings);
        ConfigException e =
                assertThrows(
                        ConfigException.class, () -> TomlSettings.parse("x.toml", "port = \n"));
        assertTrue(e.getMessage().startsWith("x.toml: "), e.getMessage());
        assertThrows(
                ConfigException.class, () -> TomlSettings.parse("x.toml", "[table]\nport = 1\n"));
    }

    @Test
    void rewriteKeepsCommentsAndOrder() {
        config.set(config.get("timeout"), "5");
        config.set(config.get("hz"), "20");
        config.set(config.get("maxclients"), "77");
        String before =
                """
                # mine
                timeout = 3 # seconds

                maxmemory = "1gb"   # kept
                bind = [
                  "127.0.0.1",
                  "-::1",
                ]
                hz = 20
                """;
        config.set(config.get("maxmemory"), "1gb");
        String after = ConfigRewrite.rewritten(before, config);
        assertEquals(
                """
                # mine
                timeout = 5

                maxmemory = "1gb"   # kept
                bind = "127.0.0.1 -::1"
                hz = 20
                # Written by CONFIG REWRITE
                maxclients = 77
                """,
                after);
        assertEquals(
                after, ConfigRewrite.rewritten(after, config), "a second time changes nothing");
    }

    @Test
    void theLogsTimeIsTheCivilOne() {
        for (long millis :
                new long[] {
                    0, 951_782_399_999L, 951_782_400_000L, 1_795_300_470_120L, 4_102_444_800_001L
                }) {
            StringBuilder text = new StringBuilder();
            Log.appendTime(text, millis);
            String wanted = java.time.Instant.ofEpochMilli(millis).toString();
            assertEquals(
                    wanted.length() == 20 ? wanted.replace("Z", ".000Z") : wanted, text.toString());
        }
        assertNull(config.find("no-such-setting"));
    }
}
