package ironcache.tools;

import java.net.InetSocketAddress;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Where a server listens, as {@code HOST:PORT}, {@code PORT} or {@code [HOST]:PORT}. */
record ServerAddress(String host, int port) {
    private static final String LOCAL = "127.0.0.1";
    private static final int PORT_MAX = 65535;

    /** Null where the text is no address. */
    static @org.jspecify.annotations.Nullable ServerAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? LOCAL : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            return port > 0 && port <= PORT_MAX && !host.isEmpty() && host.indexOf('/') < 0
                    ? new ServerAddress(host, port)
                    : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    InetSocketAddress socketAddress() {
        return new InetSocketAddress(host, port);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    /** For picocli. */
    static final class Converter implements ITypeConverter<ServerAddress> {
        @Override
        public ServerAddress convert(String text) {
            ServerAddress address = parse(text);
            if (address == null) {
                throw new TypeConversionException("'" + text + "' is not HOST:PORT");
            }
            return address;
        }
    }
}
