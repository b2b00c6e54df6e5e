package ironcache.datatypes;

/** Strings that a command brings, by their numbers; valid until it ends. */
public interface Arguments {
    /** Address of the first byte. */
    long arg(int i);

    int argLength(int i);
}
