package ironcache.bench;

/** Elements of the collections that are measured: by number, the same for all servers. */
final class Elements {
    private Elements() {}

    /** Different texts for different numbers, in no order, and none of them a number. */
    static String text(long number, int bytes) {
        if (bytes < 12) {
            // Too short for a hash of the number not to meet another one: the number itself.
            String digits = Long.toString(number & 0xFFFF_FFFFL, 36);
            return "x" + "0".repeat(Math.max(0, bytes - 1 - digits.length())) + digits;
        }
        StringBuilder text = new StringBuilder(bytes + 16);
        text.append('x');
        for (long seed = number; text.length() < bytes; seed += 0x9E3779B97F4A7C15L) {
            text.append(Long.toString(Mix64.mix(seed) >>> 1, 36));
        }
        return text.substring(0, bytes);
    }

    /** A score from 0 to 2^20. */
    static String score(long number) {
        return Long.toString(Mix64.mix(number) >>> 44);
    }
}
