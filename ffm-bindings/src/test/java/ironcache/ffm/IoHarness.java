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

    Clock clock();

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
            public Clock clock() {
                return SystemClock.INSTANCE;
            }

            @Override
            public void close() {
                io.close();
            }
        };
    }

    /** Everything simulated, from one seed. */
    static IoHarness simulated(long seed) {
        SimClock clock = new SimClock();
        SimIo io = new SimIo(seed, clock, new SimDisk(1L << 30));
        return new IoHarness() {
            @Override
            public Io io() {
                return io;
            }

            @Override
            public Peer connect(InetSocketAddress address) throws IOException {
                SimIo.Peer peer = io.connect(address);
                return new Peer() {
                    @Override
                    public int write(byte[] bytes, int offset, int length) throws IOException {
                        return peer.write(bytes, offset, length);
                    }

                    @Override
                    public int read(byte[] bytes, int offset, int length) {
                        return peer.read(bytes, offset, length);
                    }

                    @Override
                    public void close() {
                        peer.close();
                    }

                    @Override
                    public void reset() {
                        peer.reset();
                    }
                };
            }

            @Override
            public Clock clock() {
                return clock;
            }

            @Override
            public void close() {
                io.close();
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
