package ironcache.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.List;

/**
 * Writes the SETs of a whole key space as plain RESP, for a stock client to send: {@code bench/load --emit | valkey-cli --pipe}.
 */
final class MassInsertion {
    private static final int BUFFER_SIZE = 1 << 20;

    private MassInsertion() {}

    static void write(LoadOptions options, OutputStream out) throws IOException {
        ValueFunction values = options.values();
        RequestEncoder encoder =
                new RequestEncoder(options.keySize, options.firstKey + options.keys, values);
        KeySequence keys =
                KeySequence.of(
                        options.keyDistributionSpec(),
                        options.firstKey,
                        options.keys,
                        options.seed);
        WritableByteChannel channel = Channels.newChannel(out);
        ByteBuffer buffer =
                ByteBuffer.allocateDirect(
                                BUFFER_SIZE + encoder.requestSizeMax(List.of(Operation.SET)))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < options.keys; i++) {
            encoder.encode(buffer, Operation.SET, keys.next());
            if (buffer.position() >= BUFFER_SIZE || i == options.keys - 1) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                buffer.clear();
            }
        }
        out.flush();
    }
}
