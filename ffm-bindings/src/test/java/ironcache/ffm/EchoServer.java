package ironcache.ffm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sends back what it receives; remembers what it was told. Test code: it may allocate. */
final class EchoServer implements Io.SocketHandler, Io.FileHandler, AutoCloseable {
    private final Io io;
    final List<Integer> accepted = new ArrayList<>();
    final List<Integer> closed = new ArrayList<>();
    final List<Integer> endResults = new ArrayList<>();
    final List<Integer> sendResults = new ArrayList<>();
    final java.util.Map<Long, Integer> fileResults = new java.util.HashMap<>();
    long receivedBytes;
    boolean echo = true;
    boolean closeAtEnd = true;

    private final java.util.Map<Integer, ArrayDeque<byte[]>> output = new java.util.HashMap<>();
    private final java.util.Map<Integer, long[]> sending = new java.util.HashMap<>();

    EchoServer(Io io) {
        this.io = io;
        io.setHandlers(this, this);
    }

    @Override
    public void onAccept(int listener, int socket) {
        accepted.add(socket);
        output.put(socket, new ArrayDeque<>());
    }

    @Override
    public void onReceive(int socket, long address, int length) {
        if (length <= 0) {
            endResults.add(length);
            if (closeAtEnd) {
                io.closeSocket(socket);
            }
            return;
        }
        receivedBytes += length;
        if (echo) {
            byte[] copy = new byte[length];
            Memory.copyOut(address, copy, 0, length);
            output.get(socket).add(copy);
            sendNext(socket);
        }
    }

    void send(int socket, byte[] bytes) {
        output.get(socket).add(bytes);
        sendNext(socket);
    }

    private void sendNext(int socket) {
        if (sending.containsKey(socket) || output.get(socket).isEmpty()) {
            return;
        }
        byte[] next = output.get(socket).poll();
        long address = Memory.allocate(next.length, MemoryTag.OTHER);
        Memory.copyIn(next, 0, address, next.length);
        sending.put(socket, new long[] {address, next.length});
        io.send(socket, address, next.length);
    }

    @Override
    public void onSent(int socket, int result) {
        sendResults.add(result);
        free(socket);
        if (result >= 0) {
            sendNext(socket);
        } else {
            io.closeSocket(socket);
        }
    }

    private void free(int socket) {
        long[] sent = sending.remove(socket);
        if (sent != null) {
            Memory.free(sent[0], sent[1], MemoryTag.OTHER);
        }
    }

    @Override
    public void onClosed(int socket) {
        closed.add(socket);
        free(socket);
    }

    @Override
    public void onFile(long token, int result) {
        if (fileResults.put(token, result) != null) {
            throw new AssertionError("second completion of " + token);
        }
    }

    @Override
    public void close() {
        io.close();
        for (int socket :
                Arrays.copyOf(
                        sending.keySet().toArray(Integer[]::new),
                        sending.size(),
                        Integer[].class)) {
            free(socket);
        }
    }
}
