/** The RESP server: parser, replies, connections, command table, configuration, main. */
module ironcache.resp {
    requires transitive ironcache.datatypes;
    requires transitive ironcache.recovery;
    requires org.tomlj;
    requires java.management;
    requires jdk.management;
    requires static transitive org.jspecify;

    exports ironcache.resp;
}
