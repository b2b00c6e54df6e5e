package ironcache.ffm;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Socket addresses between the kernel's structures and Java.
 *
 * <pre>
 * sockaddr_in (16 bytes)          sockaddr_in6 (28 bytes)
 * 0        2      4     8         0        2      4          8      24
 * | family | port | IPv4 |        | family | port | flowinfo | IPv6 | scope |
 * </pre>
 *
 * Port and address are big-endian, the family is native.
 */
final class SocketAddresses {
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int BYTES_MAX = 28;

    private SocketAddresses() {}

    static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? AF_INET6 : AF_INET;
    }

    /** Writes the structure. @return its size in bytes */
    static int write(InetSocketAddress address, long to) {
        Memory.fill(to, BYTES_MAX, (byte) 0);
        int family = family(address);
        byte[] ip = address.getAddress().getAddress();
        Memory.putShort(to, (short) family);
        Memory.putShort(to + 2, Short.reverseBytes((short) address.getPort()));
        Memory.copyIn(ip, 0, to + (family == AF_INET ? 4 : 8), ip.length);
        return family == AF_INET ? 16 : BYTES_MAX;
    }

    static InetSocketAddress read(long from) throws IOException {
        int family = Memory.getShort(from);
        byte[] ip = new byte[family == AF_INET ? 4 : 16];
        Memory.copyOut(from + (family == AF_INET ? 4 : 8), ip, 0, ip.length);
        return new InetSocketAddress(InetAddress.getByAddress(ip), port(from));
    }

    private static int port(long from) {
        return Short.toUnsignedInt(Short.reverseBytes(Memory.getShort(from + 2)));
    }

    /** As Redis prints it: {@code "127.0.0.1:6379"}, {@code "[::1]:6379"}. */
    static String format(InetSocketAddress address) {
        byte[] ip = address.getAddress().getAddress();
        return ip.length == 4
                ? (ip[0] & 0xFF)
                        + "."
                        + (ip[1] & 0xFF)
                        + "."
                        + (ip[2] & 0xFF)
                        + "."
                        + (ip[3] & 0xFF)
                        + ":"
                        + address.getPort()
                : "[" + formatIpv6(ip) + "]:" + address.getPort();
    }

    /** RFC 5952: the longest run of two or more zero groups becomes "::". Java prints it in full. */
    private static String formatIpv6(byte[] ip) {
        int bestStart = -1;
        int bestLength = 1;
        for (int start = 0; start < 8; start++) {
            int length = 0;
            while (start + length < 8 && group(ip, start + length) == 0) {
                length++;
            }
            if (length > bestLength) {
                bestStart = start;
                bestLength = length;
            }
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            if (i == bestStart) {
                text.append("::");
                i += bestLength - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(group(ip, i)));
        }
        return text.toString();
    }

    private static int group(byte[] ip, int index) {
        return (ip[2 * index] & 0xFF) << 8 | ip[2 * index + 1] & 0xFF;
    }
}
