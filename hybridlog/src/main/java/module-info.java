/** Record, page and address layouts, and the log's regions in RAM. */
module ironcache.hybridlog {
    requires transitive ironcache.ffm;
    requires static org.jspecify;

    exports ironcache.hybridlog;
}
