package ironcache.resp;

import ironcache.ffm.Clock;
import java.io.PrintStream;

/**
 * The server's log: one line per message, {@code 2026-11-21T22:14:59.123Z 4711 notice Ready to accept connections}. No formatter classes: it
 * runs before the first connection is served, and each class loaded then costs start-up time. Any thread.
 */
final class Log {
    static final int DEBUG = 0;
    static final int VERBOSE = 1;
    static final int NOTICE = 2;
    static final int WARNING = 3;
    static final int NOTHING = 4;
    private static final String[] NAMES = {"debug", "verbose", "notice", "warning"};

    private final PrintStream out;
    private final Clock clock;
    private final long pid;
    private volatile int level = NOTICE;

    Log(PrintStream out, Clock clock, long pid) {
        this.out = out;
        this.clock = clock;
        this.pid = pid;
    }

    void setLevel(String name) {
        for (int i = 0; i < NAMES.length; i++) {
            if (NAMES[i].equals(name)) {
                level = i;
                return;
            }
        }
        level = NOTHING;
    }

    void debug(String message) {
        write(DEBUG, message);
    }

    void verbose(String message) {
        write(VERBOSE, message);
    }

    void notice(String message) {
        write(NOTICE, message);
    }

    void warn(String message) {
        write(WARNING, message);
    }

    private void write(int at, String message) {
        if (at < level) {
            return;
        }
        StringBuilder line = new StringBuilder(message.length() + 48);
        appendTime(line, clock.currentTimeMillis());
        line.append(' ')
                .append(pid)
                .append(' ')
                .append(NAMES[at])
                .append(' ')
                .append(message)
                .append('\n');
        synchronized (out) {
            out.print(line);
            out.flush();
        }
    }

    /** UTC in ISO 8601; the civil date by Howard Hinnant's algorithm. */
    static void appendTime(StringBuilder to, long millis) {
        long days = Math.floorDiv(millis, 86_400_000L);
        int ofDay = (int) Math.floorMod(millis, 86_400_000L);
        long z = days + 719_468;
        long era = Math.floorDiv(z, 146_097L);
        int dayOfEra = (int) (z - era * 146_097);
        int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int marchMonth = (5 * dayOfYear + 2) / 153;
        int day = dayOfYear - (153 * marchMonth + 2) / 5 + 1;
        int month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        to.append(year).append('-');
        two(to, month).append('-');
        two(to, day).append('T');
        two(to, ofDay / 3_600_000).append(':');
        two(to, ofDay / 60_000 % 60).append(':');
        two(to, ofDay / 1000 % 60).append('.');
        int fraction = ofDay % 1000;
        to.append(fraction / 100);
        two(to, fraction % 100).append('Z');
    }

    private static StringBuilder two(StringBuilder to, int number) {
        return to.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }
}
