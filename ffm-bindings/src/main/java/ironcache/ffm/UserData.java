package ironcache.ffm;

/**
 * What a completion is for, in the 64 bits that go with an entry and come back with its completions.
 *
 * <pre>
 * 63     56        32      0
 * | kind   | unused | index |     index: socket, listener or slot of a file operation
 * </pre>
 *
 * Kind 0 is none. Owns nothing.
 */
final class UserData {
    /** Index: listener. */
    static final int ACCEPT = 1;

    /** Index: socket, as of the three that follow. */
    static final int RECEIVE = 2;

    static final int SEND = 3;
    static final int CLOSE = 4;

    /** Of a socket's receive or send. */
    static final int CANCEL = 5;

    /** Index: slot of the operation. */
    static final int FILE = 6;

    /** Of the sync behind a write. Index: slot of the operation. */
    static final int WRITE_SYNC = 7;

    static final int WAKE = 8;

    /** Index: listener. */
    static final int CANCEL_LISTENER = 9;

    static final int CANCEL_ALL = 10;

    /** Index: slot of the operation. */
    static final int DIRECTORY_SYNC = 11;

    /** Index: descriptor of a file that has no name any more. */
    static final int RELEASE = 12;

    private static final int KIND_SHIFT = 56;

    private UserData() {}

    static long of(int kind, int index) {
        return (long) kind << KIND_SHIFT | index;
    }

    static int kind(long userData) {
        return (int) (userData >>> KIND_SHIFT);
    }

    static int index(long userData) {
        return (int) userData;
    }
}
