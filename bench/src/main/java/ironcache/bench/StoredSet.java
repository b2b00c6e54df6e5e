package ironcache.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** The set of the durability scenarios: so many keys with incompressible 1 KiB values, each known by its key's number. */
record StoredSet(long keys) {
    static final int VALUE_SIZE = 1024;

    static StoredSet ofGigabytes(double gigabytes) {
        return new StoredSet(Math.max(1000, Math.round(gigabytes * 1e9 / VALUE_SIZE)));
    }

    double bytes() {
        return (double) keys * VALUE_SIZE;
    }

    /** A {@code --maxmemory} that holds all of it, and room for what is overwritten. */
    String memoryForAll() {
        return memory(1.25, 512);
    }

    /** A {@code --maxmemory} in proportion to the values, and so many megabytes more. */
    String memory(double share, long moreMb) {
        return (long) Math.ceil(bytes() * share / (1 << 20)) + moreMb + "mb";
    }

    String title() {
        return String.format(
                Locale.ROOT,
                "%.1f GB (%,d keys with %,d bytes, incompressible)",
                bytes() / 1e9,
                keys,
                VALUE_SIZE);
    }

    void load(Harness harness, ServerProcess server) throws IOException {
        harness.load(server, keys, Integer.toString(VALUE_SIZE));
    }

    /** Requests for uniform keys, every value compared. */
    LoadOptions requests(Harness harness, ServerProcess server, String operations) {
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = harness.options().connections();
        load.pipeline = 16;
        load.window = LoadOptions.Window.SLIDING;
        load.operations = operations;
        load.keys = keys;
        load.valueSize = Integer.toString(VALUE_SIZE);
        load.verify = true;
        load.requireHits = true;
        load.quiet = true;
        load.label = operations;
        return load;
    }

    /** Reads every key once; returns in words what was wrong, or that nothing was. */
    String readAll(Harness harness, ServerProcess server) throws IOException {
        LoadResult read = harness.readAll(server, keys, Integer.toString(VALUE_SIZE));
        long size;
        try (AdminClient client = server.connect()) {
            size = client.integer("DBSIZE");
        }
        long right = read.replies() - read.errors();
        return right == keys && size == keys
                ? "all right"
                : String.format(Locale.ROOT, "**%,d of %,d right, DBSIZE %,d**", right, keys, size);
    }

    /** GETs one key; returns the seconds from exec to its reply. A value that is wrong or absent is an error. */
    double firstGetSeconds(ServerProcess server) throws IOException {
        long number = keys / 3;
        try (AdminClient client = server.connect()) {
            byte[] value = client.bytes("GET", String.format(Locale.ROOT, "key:%012d", number));
            double seconds = server.sinceStartSeconds();
            ValueFunction values = new LoadOptions().values();
            if (value == null
                    || value.length != VALUE_SIZE
                    || !values.matches(
                            number,
                            0,
                            ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN),
                            0,
                            value.length)) {
                throw new IOException(
                        "the first GET, key number "
                                + number
                                + ": "
                                + (value == null ? "not there" : "wrong value"));
            }
            return seconds;
        }
    }
}
