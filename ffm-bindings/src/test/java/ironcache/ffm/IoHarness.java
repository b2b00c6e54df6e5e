package ironcache.ffm;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.function.BooleanSupplier;

/** One implementation of the seam under test, and a way to talk to its sockets from outside. */
interface IoHarness extends AutoCloseable {
    /** The far end of a connection; nothing here blocks. */
    interface Peer {
        /** @return bytes taken */
        int write(byte[] bytes, int offset, int length) throws IOException;

        /** @return bytes read, 0 where none are there, -1 at the end */
        int read(byte[] bytes, int offset, int length) throws IOException;

        void close() throws IOException;

        /** Closes with a reset instead of an orderly end. */
        void reset() throws IOException;
    }

    Io io();

    Peer connect(InetSocketAddress address) throws IOException;

    @Override
    void close();

    /** Turns the loop until the condition holds; a failure after far more turns than anything needs. */
    default void pumpUntil(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            io().poll(1_000_000);
            if (System.nanoTime() > deadline) {
                throw new AssertionError("never happened: " + what);
            }
        }
    }

    /** Through the loopback device. */
    static IoHarness real(IoConfig config) {
        Io io = Ios.open(config);
        return new IoHarness() {
            @Override
            public Io io() {
                return io;
            }

            @Override
            public Peer connect(InetSocketAddress address) throws IOException {
                return new ChannelPeer(SocketChannel.open(address));
            }

            @Override
            public void close() {
                io.close();
            }

            @Override
            public String toString() {
                return io.name();
            }
        };
    }

    /** A loopback connection. */
    final class ChannelPeer implements Peer {
        private final SocketChannel channel;

        ChannelPeer(SocketChannel channel) throws IOException {
            this.channel = channel;
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.configureBlocking(false);
        }

        @Override
        public int write(byte[] bytes, int offset, int length) throws IOException {
            return channel.write(ByteBuffer.wrap(bytes, offset, length));
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            return channel.read(ByteBuffer.wrap(bytes, offset, length));
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }

        @Override
        public void reset() throws IOException {
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            channel.close();
        }
    }
}
