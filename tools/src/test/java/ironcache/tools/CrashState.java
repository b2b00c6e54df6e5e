package ironcache.tools;

import java.util.Arrays;

/**
 * What a key holds, as far as the client knows: a value or none, and where it expires the earliest and the latest
 * moment of that, since only the server knows when it read its clock. Milliseconds of the wall clock.
 */
record CrashState(byte[] value, long expiresFromMs, long expiresUntilMs) {
    static final long NEVER = Long.MAX_VALUE;
    static final CrashState ABSENT = new CrashState(null, NEVER, NEVER);

    static CrashState of(byte[] value) {
        return new CrashState(value, NEVER, NEVER);
    }

    /** As {@code PEXPIRETIME} told it. */
    static CrashState of(byte[] value, long expiresMs) {
        return new CrashState(value, expiresMs, expiresMs);
    }

    boolean isPresent() {
        return value != null;
    }

    boolean expires() {
        return expiresFromMs != NEVER;
    }

    CrashState with(byte[] changed) {
        return new CrashState(changed, expiresFromMs, expiresUntilMs);
    }

    boolean sameValue(CrashState other) {
        return Arrays.equals(value, other.value);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CrashState s
                && expiresFromMs == s.expiresFromMs
                && expiresUntilMs == s.expiresUntilMs
                && Arrays.equals(value, s.value);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(value) * 31 + Long.hashCode(expiresFromMs);
    }

    @Override
    public String toString() {
        if (!isPresent()) {
            return "absent";
        }
        String text = '"' + Reply.escape(value, 60) + '"';
        if (value.length > 60) {
            text += " #" + Integer.toHexString(Arrays.hashCode(value));
        }
        if (!expires()) {
            return text;
        }
        return text
                + " until "
                + expiresFromMs
                + (expiresUntilMs == expiresFromMs ? "" : "…" + expiresUntilMs);
    }
}
