package ironcache.resp;

import ironcache.ffm.Io;

/** For whoever waits for files before there are connections, or when there are none any more. */
final class NoSockets implements Io.SocketHandler {
    @Override
    public void onAccept(int listener, int socket) {}

    @Override
    public void onReceive(int socket, long address, int length) {}

    @Override
    public void onSent(int socket, int result) {}

    @Override
    public void onClosed(int socket) {}
}
