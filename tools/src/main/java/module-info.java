/** The operator's command line, ironcache-tool. */
module ironcache.tools {
    requires transitive ironcache.resp;
    requires static org.jspecify;
}
