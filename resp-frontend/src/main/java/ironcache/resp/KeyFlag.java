package ironcache.resp;

/** What a command does with the keys of one key spec, as COMMAND INFO and GETKEYSANDFLAGS name it. */
enum KeyFlag {
    RO,
    RW,
    OW,
    RM,
    ACCESS("access"),
    UPDATE("update"),
    INSERT("insert"),
    DELETE("delete"),
    NOT_KEY("not_key"),
    INCOMPLETE("incomplete"),
    VARIABLE_FLAGS("variable_flags");

    private final String wireName;

    KeyFlag() {
        wireName = name();
    }

    KeyFlag(String wireName) {
        this.wireName = wireName;
    }

    String wireName() {
        return wireName;
    }
}
