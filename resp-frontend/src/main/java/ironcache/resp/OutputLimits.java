package ironcache.resp;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** client-output-buffer-limit: for each class of clients a hard limit, and a soft one with the seconds it may be exceeded. Bytes; 0: none. */
record OutputLimits(long[] hard, long[] soft, long[] softSeconds) {
    static final int NORMAL = 0;
    static final int REPLICA = 1;
    static final int PUBSUB = 2;
    private static final String[] NAMES = {"normal", "slave", "pubsub"};

    static final OutputLimits DEFAULT =
            new OutputLimits(
                    new long[] {0, 256L << 20, 32L << 20},
                    new long[] {0, 64L << 20, 8L << 20},
                    new long[] {0, 60, 60});

    static OutputLimits parse(String text) {
        OutputLimits limits = DEFAULT.merge(text);
        return limits == null ? DEFAULT : limits;
    }

    /** These limits with those that the text names replaced; null where the text is wrong. */
    @Nullable OutputLimits merge(String text) {
        String[] words = Config.words(text);
        if (words.length == 0 || words.length % 4 != 0) {
            return null;
        }
        OutputLimits merged = new OutputLimits(hard.clone(), soft.clone(), softSeconds.clone());
        for (int i = 0; i < words.length; i += 4) {
            int which = classOf(words[i]);
            long newHard = Setting.parseSize(words[i + 1]);
            long newSoft = Setting.parseSize(words[i + 2]);
            long seconds = Setting.parseSize(words[i + 3]);
            if (which < 0 || newHard < 0 || newSoft < 0 || seconds < 0) {
                return null;
            }
            merged.hard[which] = newHard;
            merged.soft[which] = newSoft;
            merged.softSeconds[which] = seconds;
        }
        return merged;
    }

    /** Why {@link #merge} refused, in Valkey's words. */
    static String wrong(String text) {
        String[] words = Config.words(text);
        if (words.length % 4 != 0 || words.length == 0) {
            return "Wrong number of arguments in buffer limit configuration.";
        }
        for (int i = 0; i < words.length; i += 4) {
            if (classOf(words[i]) < 0) {
                return "Invalid client class specified in buffer limit configuration.";
            }
        }
        return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }

    private static int classOf(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "normal" -> NORMAL;
            case "slave", "replica" -> REPLICA;
            case "pubsub" -> PUBSUB;
            default -> -1;
        };
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < NAMES.length; i++) {
            text.append(i == 0 ? "" : " ")
                    .append(NAMES[i])
                    .append(' ')
                    .append(hard[i])
                    .append(' ')
                    .append(soft[i])
                    .append(' ')
                    .append(softSeconds[i]);
        }
        return text.toString();
    }
}
