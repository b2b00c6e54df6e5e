/** Record, page and address layouts, and the log's regions in RAM. */
module ironcache.hybridlog {
    requires transitive ironcache.ffm;
    requires static transitive org.jspecify;

    exports ironcache.hybridlog;
}
