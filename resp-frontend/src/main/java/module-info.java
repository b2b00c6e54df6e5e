/** The RESP server: parser, replies, connections, command table, configuration, main. */
module ironcache.resp {
    requires transitive ironcache.datatypes;
    requires transitive ironcache.recovery;
    requires static org.jspecify;
}
