package ironcache.resp;

/** The letters of notify-keyspace-events. Events themselves come with pub/sub. */
final class KeyspaceEvents {
    private static final String ALL_CLASSES = "g$lshzxetd";

    /** In the order in which Valkey prints them. */
    private static final String OTHERS = "KEmn";

    private KeyspaceEvents() {}

    static boolean isValid(String flags) {
        for (int i = 0; i < flags.length(); i++) {
            if ("Ag$lshzxeKEtmdn".indexOf(flags.charAt(i)) < 0) {
                return false;
            }
        }
        return true;
    }

    /** The letters as Valkey prints them: classes first, all of them as {@code A}. Unchanged where invalid. */
    static String normalized(String flags) {
        if (!isValid(flags)) {
            return flags;
        }
        StringBuilder text = new StringBuilder();
        boolean all = flags.indexOf('A') >= 0;
        if (!all) {
            for (int i = 0; i < ALL_CLASSES.length(); i++) {
                if (flags.indexOf(ALL_CLASSES.charAt(i)) >= 0) {
                    text.append(ALL_CLASSES.charAt(i));
                }
            }
        }
        if (all || text.length() == ALL_CLASSES.length()) {
            text.setLength(0);
            text.append('A');
        }
        for (int i = 0; i < OTHERS.length(); i++) {
            if (flags.indexOf(OTHERS.charAt(i)) >= 0) {
                text.append(OTHERS.charAt(i));
            }
        }
        return text.toString();
    }
}
